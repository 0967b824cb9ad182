package faultline.emulator.task;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Resource limits of a process (struct rlimit[16]), as getrlimit/prlimit64 see them.
 *
 * <p>Values are unsigned in the guest; {@link #INFINITY} is {@code ~0}. Reads and writes are single volatile accesses:
 * Linux reads limits without a lock too.
 */
public final class Rlimits {
    public static final int CPU = 0;
    public static final int FSIZE = 1;
    public static final int DATA = 2;
    public static final int STACK = 3;
    public static final int CORE = 4;
    public static final int RSS = 5;
    public static final int NPROC = 6;
    public static final int NOFILE = 7;
    public static final int MEMLOCK = 8;
    public static final int AS = 9;
    public static final int LOCKS = 10;
    public static final int SIGPENDING = 11;
    public static final int MSGQUEUE = 12;
    public static final int NICE = 13;
    public static final int RTPRIO = 14;
    public static final int RTTIME = 15;
    /** How many there are. */
    public static final int COUNT = 16;

    public static final long INFINITY = -1L;

    private final AtomicLongArray soft;
    private final AtomicLongArray hard;

    /** The limits of a first process. */
    public Rlimits() {
        long[] s = new long[COUNT];
        long[] h = new long[COUNT];
        Arrays.fill(s, INFINITY);
        Arrays.fill(h, INFINITY);
        soft = new AtomicLongArray(s);
        hard = new AtomicLongArray(h);
    }

    /** A copy, for fork. */
    public Rlimits(Rlimits other) {
        this();
        for (int i = 0; i < COUNT; i++) {
            set(i, other.soft(i), other.hard(i));
        }
    }

    /** The limit in force. @param resource RLIMIT_* */
    public long soft(int resource) {
        return soft.get(resource);
    }

    /** The most that the soft limit may be set to. @param resource RLIMIT_* */
    public long hard(int resource) {
        return hard.get(resource);
    }

    /** Sets both limits of a resource. The rules of setrlimit(2) are the caller's. */
    public void set(int resource, long softLimit, long hardLimit) {
        soft.set(resource, softLimit);
        hard.set(resource, hardLimit);
    }
}
