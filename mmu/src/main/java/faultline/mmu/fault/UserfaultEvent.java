package faultline.mmu.fault;

/**
 * Something that happened to registered mappings other than a fault. Whoever caused it waits until it has been read.
 *
 * <pre>
 *   FORK    child: the context of the child's mappings
 *   REMAP   from, to, length
 *   REMOVE  start, end      UNMAP  start, end
 * </pre>
 */
public final class UserfaultEvent {
    /** Numbers of messages (UFFD_EVENT). */
    public static final int FORK = 0x13;

    public static final int REMAP = 0x14;
    public static final int REMOVE = 0x15;
    public static final int UNMAP = 0x16;

    final Userfault context;
    private final int type;
    private final long first;
    private final long second;
    private final long third;
    private final Userfault child;

    /** Who waits; null until somebody does. Guarded by the context's lock. */
    UserfaultSleeper sleeper;

    /** Whether it has been read. */
    volatile boolean done;

    private UserfaultEvent(Userfault context, int type, long first, long second, long third, Userfault child) {
        this.context = context;
        this.type = type;
        this.first = first;
        this.second = second;
        this.third = third;
        this.child = child;
    }

    static UserfaultEvent range(Userfault context, int type, long start, long end) {
        return new UserfaultEvent(context, type, start, end, 0, null);
    }

    static UserfaultEvent remap(Userfault context, long from, long to, long length) {
        return new UserfaultEvent(context, REMAP, from, to, length, null);
    }

    static UserfaultEvent fork(Userfault context, Userfault child) {
        return new UserfaultEvent(context, FORK, 0, 0, 0, child);
    }

    /** Which of the numbers above. */
    public int type() {
        return type;
    }

    /** The first, second and third word of the message's arguments. */
    public long first() {
        return first;
    }

    /** Second argument of the event. */
    public long second() {
        return second;
    }

    /** Third argument of the event. */
    public long third() {
        return third;
    }

    /** Of a fork: the context of the child's mappings. */
    public Userfault child() {
        return child;
    }
}
