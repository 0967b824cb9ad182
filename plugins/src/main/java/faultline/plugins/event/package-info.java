/**
 * What a trace consists of: types of events with typed fields, records of a few longs, the ring that carries them.
 *
 * <p>A record is {@link faultline.plugins.event.EventType#WORDS} longs: a common head (type, time, task, command, cost)
 * and the type's own fields. Text is carried as a number that a {@link faultline.plugins.event.StringTable} gave out.
 * Names and fields are those of Linux' tracepoints where there is one; what Linux cannot say is added behind them.
 *
 * <p>The thread that an event happens in fills a scratch record of its own, tests the filter and copies it into the
 * {@link faultline.plugins.event.EventRing}; one writer thread takes it out and formats it. Nothing here blocks the
 * producing thread unless the user asked for a trace without gaps.
 */
package faultline.plugins.event;
