package faultline.emulator.syscall.file;

import faultline.emulator.fs.HostWait;
import faultline.emulator.task.Task;
import faultline.emulator.task.UserFault;
import faultline.mmu.Errno;

/** Relative timeouts of the waiting calls: {@code struct timespec} and {@code struct timeval}. */
final class Timeouts {
    private static final long SECOND = 1_000_000_000L;
    /** Seconds beyond which a wait has no end that anybody sees. */
    private static final long MAX_SECONDS = Long.MAX_VALUE / SECOND - 1;

    private Timeouts() {}

    /** Nanoseconds of a timespec; {@link HostWait#FOREVER} for a null pointer; -EINVAL. */
    static long timespec(Task t, long address) {
        return address == 0 ? HostWait.FOREVER : nanos(t, address);
    }

    /** As {@link #timespec} of a timeval, whose microseconds may exceed a second. */
    static long timeval(Task t, long address) {
        if (address == 0) {
            return HostWait.FOREVER;
        }
        long seconds = t.user().getLong(address);
        long micros = t.user().getLong(address + 8);
        if (seconds < 0 || micros < 0) {
            return -Errno.EINVAL;
        }
        seconds = seconds + micros / 1_000_000;
        return seconds > MAX_SECONDS || seconds < 0 ? HostWait.FOREVER : seconds * SECOND + micros % 1_000_000 * 1000;
    }

    private static long nanos(Task t, long address) {
        long seconds = t.user().getLong(address);
        long fraction = t.user().getLong(address + 8);
        if (seconds < 0 || fraction < 0 || fraction >= SECOND) {
            return -Errno.EINVAL;
        }
        return seconds > MAX_SECONDS ? HostWait.FOREVER : seconds * SECOND + fraction;
    }

    /** Writes what is left of a timeout back, as Linux does; a bad address is of no consequence then. */
    static void writeTimespec(Task t, long address, long nanos, long start) {
        write(t, address, nanos, start, 1);
    }

    static void writeTimeval(Task t, long address, long nanos, long start) {
        write(t, address, nanos, start, 1000);
    }

    private static void write(Task t, long address, long nanos, long start, long unit) {
        if (address == 0 || nanos == HostWait.FOREVER) {
            return;
        }
        long left = Math.max(0, nanos - (t.nanoTime() - start));
        try {
            t.user().putLong(address, left / SECOND);
            t.user().putLong(address + 8, left % SECOND / unit);
        } catch (UserFault e) {
            // poll_select_finish ignores it too: the call's own result stands.
            return;
        }
    }
}
