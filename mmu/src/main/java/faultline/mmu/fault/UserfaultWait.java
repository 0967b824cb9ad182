package faultline.mmu.fault;

/** One task's wait in a {@link Userfault}. */
public final class UserfaultWait {
    final long address;
    private final long told;
    final int flags;
    final UserfaultSleeper sleeper;
    volatile boolean done;

    UserfaultWait(long address, long told, int flags, UserfaultSleeper sleeper) {
        this.address = address;
        this.told = told;
        this.flags = flags;
        this.sleeper = sleeper;
    }

    /** The page; with {@link UserfaultFeatures#EXACT_ADDRESS} the address that was touched. */
    public long address() {
        return told;
    }

    /** A set of {@link Userfault#FLAG_WRITE}, {@link Userfault#FLAG_WP} and {@link Userfault#FLAG_MINOR}. */
    public int flags() {
        return flags;
    }

    /** The waiting task. */
    public int tid() {
        return sleeper.tid();
    }
}
