package faultline.emulator.fs;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.WakeFd;
import faultline.mmu.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Waits on host descriptors that a signal to the guest's task can end.
 *
 * <p>The host thread itself gets no signals; the wait is a ppoll(2) on the wanted descriptors and on the thread's
 * {@link WakeFd}.
 */
public final class HostWait {
    public static final short POLLIN = 1;
    public static final short POLLPRI = 2;
    public static final short POLLOUT = 4;
    /** Wait without end. */
    public static final long FOREVER = Long.MAX_VALUE;

    /** Bytes of one {@code struct pollfd}: fd (int), events (short), revents (short). */
    public static final int POLLFD = 8;

    /** What an interrupted wait returns: the kernel's internal ERESTARTSYS, negated; it never reaches the guest. */
    public static final long INTERRUPTED = -512;

    private HostWait() {}

    /**
     * Waits until {@code fd} is ready for one of {@code events} (or has an error or hang-up).
     *
     * @return 0 when ready, {@link #INTERRUPTED}, or -errno
     */
    public static long until(Waiter waiter, int fd, short events) {
        return until(waiter, fd, events, FOREVER);
    }

    /** As {@link #until(Waiter, int, short)} for {@code nanos} at most; 0 also when the time is over. */
    public static long until(Waiter waiter, int fd, short events, long nanos) {
        MemorySegment fds = HostScratch.get().waitBlock();
        fds.set(ValueLayout.JAVA_INT, 0, fd);
        fds.set(ValueLayout.JAVA_SHORT, 4, events);
        fds.set(ValueLayout.JAVA_SHORT, 6, (short) 0);
        long ready = poll(waiter, fds, 1, nanos);
        return ready > 0 ? 0 : ready;
    }

    /**
     * poll(2) with a way out.
     *
     * @param fds {@code count} pollfd structures and room for one more behind them; revents are filled in
     * @param nanos the most to wait, ≥ 0, or {@link #FOREVER}
     * @return how many descriptors are ready, 0 when the time is over, {@link #INTERRUPTED}, or -errno
     */
    public static long poll(Waiter waiter, MemorySegment fds, int count, long nanos) {
        long first = ppoll(fds, count, 0);
        if (first != 0 || nanos == 0) {
            return first;
        }
        if (waiter.pollsHost()) {
            return waiter.awaitReady(
                    () -> {
                        long ready = ppoll(fds, count, 0);
                        return ready == -Errno.EINTR ? 0 : ready;
                    },
                    nanos);
        }
        WakeFd wake = WakeFd.get();
        long slot = (long) count * POLLFD;
        fds.set(ValueLayout.JAVA_INT, slot, wake.fd());
        fds.set(ValueLayout.JAVA_INT, slot + 4, POLLIN);
        long deadline = nanos == FOREVER ? 0 : System.nanoTime() + nanos;
        long[] result = new long[1];
        while (true) {
            long left = nanos == FOREVER ? FOREVER : Math.max(0, deadline - System.nanoTime());
            if (!waiter.blockInterruptibly(() -> result[0] = ppoll(fds, count + 1, left), wake::raise)) {
                return INTERRUPTED;
            }
            long ready = result[0];
            if (ready < 0) {
                if (ready == -Errno.EINTR) {
                    continue;
                }
                return ready;
            }
            if (fds.get(ValueLayout.JAVA_SHORT, slot + 6) != 0) {
                wake.drain();
                ready--;
            }
            if (ready > 0) {
                return ready;
            }
            if (waiter.signalPending()) {
                return INTERRUPTED;
            }
            if (nanos != FOREVER && System.nanoTime() - deadline >= 0) {
                return 0;
            }
        }
    }

    private static long ppoll(MemorySegment fds, int count, long nanos) {
        long timeout = 0;
        if (nanos != FOREVER) {
            MemorySegment block = HostScratch.get().waitBlock();
            block.set(ValueLayout.JAVA_LONG, 48, nanos / 1_000_000_000L);
            block.set(ValueLayout.JAVA_LONG, 56, nanos % 1_000_000_000L);
            timeout = block.address() + 48;
        }
        return Libc.call(Nr.PPOLL, fds.address(), count, timeout, 0, 8);
    }
}
