/**
 * What becomes of events: text, JSON lines, Perfetto, folded stacks, pprof, Flight Recorder, summaries.
 *
 * <p>An {@link faultline.plugins.output.EventSink} is called by the trace's one writer thread, with records in the
 * order of each task's events. It may allocate and block: the guest does not wait for it. Formats that others define
 * are encoded here by hand, a few hundred bytes of code each, and checked against their published schemas in tests.
 */
package faultline.plugins.output;
