package faultline.mmu.fault;

/** One task's wait in a {@link Userfault}. */
public final class UserfaultWait {
    final long address;
    final int flags;
    final UserfaultSleeper sleeper;
    volatile boolean done;

    UserfaultWait(long address, int flags, UserfaultSleeper sleeper) {
        this.address = address;
        this.flags = flags;
        this.sleeper = sleeper;
    }

    /** The page. */
    public long address() {
        return address;
    }

    /** {@link Userfault#FLAG_WRITE} and {@link Userfault#FLAG_WP}. */
    public int flags() {
        return flags;
    }

    /** The waiting task. */
    public int tid() {
        return sleeper.tid();
    }
}
