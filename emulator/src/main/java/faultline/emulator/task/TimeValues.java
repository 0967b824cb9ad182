package faultline.emulator.task;

import faultline.mmu.Errno;

/** Times as the guest's structures have them, and as we count: nanoseconds in a long, saturating. */
public final class TimeValues {
    public static final long NANOS = 1_000_000_000L;
    /** The largest number of seconds that fits (KTIME_SEC_MAX). */
    private static final long MAX_SECONDS = Long.MAX_VALUE / NANOS;

    private TimeValues() {}

    /** Reads a struct timespec. Returns nanoseconds ≥ 0, or -EINVAL for one that is not valid. */
    public static long readTimespec(Task task, long address) {
        long seconds = task.user().getLong(address);
        long nanos = task.user().getLong(address + 8);
        if (seconds < 0 || nanos < 0 || nanos >= NANOS) {
            return -Errno.EINVAL;
        }
        return seconds >= MAX_SECONDS ? Long.MAX_VALUE - 1 : seconds * NANOS + nanos;
    }

    /** Reads a struct timeval. Returns nanoseconds ≥ 0, or -EINVAL for one that is not valid. */
    public static long readTimeval(Task task, long address) {
        long seconds = task.user().getLong(address);
        long micros = task.user().getLong(address + 8);
        if (seconds < 0 || micros < 0 || micros >= 1_000_000) {
            return -Errno.EINVAL;
        }
        return seconds >= MAX_SECONDS ? Long.MAX_VALUE - 1 : seconds * NANOS + micros * 1000;
    }

    /** Writes a struct timespec. */
    public static void writeTimespec(Task task, long address, long nanos) {
        task.user().putLong(address, nanos / NANOS);
        task.user().putLong(address + 8, nanos % NANOS);
    }

    /** Writes a struct timeval, cutting what is below a microsecond off. */
    public static void writeTimeval(Task task, long address, long nanos) {
        task.user().putLong(address, nanos / NANOS);
        task.user().putLong(address + 8, nanos % NANOS / 1000);
    }

    /** Sum of two times ≥ 0, at most {@code Long.MAX_VALUE - 1}, which no clock reaches. */
    public static long add(long a, long b) {
        long sum = a + b;
        return sum < 0 ? Long.MAX_VALUE - 1 : Math.min(sum, Long.MAX_VALUE - 1);
    }
}
