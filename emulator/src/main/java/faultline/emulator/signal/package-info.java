/**
 * Signals: pending sets, handlers, delivery, and the frames that handlers run on (kernel/signal.c,
 * arch/x86/kernel/signal_64.c).
 *
 * <p>One lock: the monitor of the process' {@link faultline.emulator.signal.SignalHandlers} (Linux:
 * {@code sighand->siglock}).
 *
 * <table>
 * <caption>Who may do what</caption>
 * <tr><th>held</th><th>may read</th><th>may change</th></tr>
 * <tr><td>nothing</td><td>own blocked mask, own alternate stack, {@code Task.signalPending()}</td>
 *     <td>own alternate stack</td></tr>
 * <tr><td>the handlers' monitor</td><td>everything of the process' signals</td>
 *     <td>actions, pending sets, blocked mask of the CURRENT task, stop and exit state</td></tr>
 * </table>
 *
 * <p>What open files signal ({@link faultline.emulator.signal.FileOwners}) comes from the host by a thread of its own,
 * which takes a file owner's monitor, lets go of it, and then sends like anybody else.
 *
 * <p>Inside the monitor nothing blocks and no guest memory is touched.
 */
package faultline.emulator.signal;
