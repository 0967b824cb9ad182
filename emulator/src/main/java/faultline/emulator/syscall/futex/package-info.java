/**
 * Futexes (kernel/futex).
 *
 * <p>Locks, outermost first: a bucket's monitor, which guards its queue and the state of locks waited for there; two
 * buckets in the order of their indices; then the virtual CPU, to change a word that guest code changes, too; then
 * {@link faultline.emulator.syscall.futex.PiChains}. Inside a bucket's monitor guest memory is touched by {@link
 * faultline.emulator.syscall.futex.FutexWord} only, which never faults: whoever could bring an absent page may need the
 * same monitor.
 *
 * <table>
 * <caption>Calls</caption>
 * <tr><td>WAIT, WAKE, their BITSET forms, REQUEUE, CMP_REQUEUE, WAKE_OP</td>
 *     <td>{@link faultline.emulator.syscall.futex.FutexTable}</td></tr>
 * <tr><td>LOCK_PI, LOCK_PI2, TRYLOCK_PI, UNLOCK_PI</td><td>{@link faultline.emulator.syscall.futex.PiLocks}</td></tr>
 * <tr><td>WAIT_REQUEUE_PI, CMP_REQUEUE_PI</td><td>{@link faultline.emulator.syscall.futex.PiRequeue}</td></tr>
 * <tr><td>futex_waitv</td><td>{@link faultline.emulator.syscall.futex.FutexWaitv}</td></tr>
 * <tr><td>futex_wake, futex_wait, futex_requeue</td><td>{@link faultline.emulator.syscall.futex.Futex2Calls}</td></tr>
 * <tr><td>FD</td><td>ENOSYS, as since Linux 2.6.26</td></tr>
 * </table>
 */
package faultline.emulator.syscall.futex;
