package faultline.emulator.syscall.file;

import faultline.emulator.fs.HostWait;
import faultline.emulator.host.HostScratch;
import faultline.emulator.host.Interruption;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Waits in epoll_pwait2(2) of the host itself, as an epoll that shares a file by EPOLLEXCLUSIVE needs it: of all such
 * epolls an event wakes one in which somebody waits, and a poll of the epoll's descriptor is no such wait.
 *
 * <p>A signal to the guest's task ends the wait by one to the thread. That one is blocked but for the wait, so it
 * cannot come between the look at the task and the wait.
 */
final class ExclusiveWait {
    private static final int SIG_BLOCK = 0;
    private static final int SIG_SETMASK = 2;
    private static final int MASK_BYTES = 8;
    private static final int OLD = 8;
    private static final int TIMEOUT = 16;
    private static final long SECOND = 1_000_000_000L;

    private ExclusiveWait() {}

    /**
     * Waits for events.
     *
     * @param events room for {@code count} events
     * @param nanos the most to wait, or {@link HostWait#FOREVER}
     * @return how many there are, 0 when the time is over or for no reason, {@link HostWait#INTERRUPTED}, or -errno
     */
    static long run(Task t, int epoll, MemorySegment events, int count, long nanos) {
        Interruption.prepare();
        MemorySegment block = HostScratch.get().waitBlock();
        long at = block.address();
        block.set(ValueLayout.JAVA_LONG, 0, Interruption.MASK);
        block.set(ValueLayout.JAVA_LONG, TIMEOUT, nanos / SECOND);
        block.set(ValueLayout.JAVA_LONG, TIMEOUT + 8, nanos % SECOND);
        long timeout = nanos == HostWait.FOREVER ? 0 : at + TIMEOUT;
        long tid = Libc.call(Nr.GETTID);
        long[] result = new long[1];
        Libc.call(Nr.RT_SIGPROCMASK, SIG_BLOCK, at, at + OLD, MASK_BYTES);
        long before = block.get(ValueLayout.JAVA_LONG, OLD);
        try {
            boolean waited = t.blockInterruptibly(
                    () -> result[0] =
                            Libc.call(Nr.EPOLL_PWAIT2, epoll, events.address(), count, timeout, at + OLD, MASK_BYTES),
                    () -> Interruption.send(tid));
            if (!waited || result[0] == -Errno.EINTR && t.signalPending()) {
                return HostWait.INTERRUPTED;
            }
            return result[0] == -Errno.EINTR ? 0 : result[0];
        } finally {
            MemorySegment mask = HostScratch.get().waitBlock();
            mask.set(ValueLayout.JAVA_LONG, 0, before);
            Libc.call(Nr.RT_SIGPROCMASK, SIG_SETMASK, mask.address(), 0, MASK_BYTES);
        }
    }
}
