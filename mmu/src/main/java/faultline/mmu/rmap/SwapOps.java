package faultline.mmu.rmap;

/**
 * What faults, unmapping and fork ask of swapping, by swap entry as it stands in a page-table entry: with its
 * software bits, which {@code Pte.swapKey} takes off.
 *
 * <p>Implemented beside the swap area; {@link #NONE} for machines without swap, in which no such entry arises.
 */
public interface SwapOps {
    /**
     * The page of {@code entry}, up to date, with a reference for the caller and in the swap cache; read if need be.
     *
     * @param entry swap entry
     * @return the frame number, with {@link faultline.mmu.file.AddressSpace#WAS_READ} added when the swap area was
     *     read; -ENOMEM; -EIO; -EAGAIN when nobody uses the slot any more, or {@code mayWait} is false and somebody
     *     else is reading it
     */
    long swapIn(long entry, boolean mayWait);

    /**
     * One page-table entry less stands for {@code entry}; the last one frees the slot. Callable under a page-table
     * lock.
     */
    void free(long entry);

    /** How many page-table entries stand for {@code entry} now. */
    int users(long entry);

    /** One page-table entry more stands for {@code entry} (fork). Callable under a page-table lock. */
    void duplicate(long entry);

    /**
     * The locked page is being mapped writable by its only user: takes it out of the swap cache if nobody else can want
     * it from there.
     *
     * @return whether it is out of the swap cache now
     */
    boolean tryToFree(long pfn);

    /** No swap. */
    SwapOps NONE = new SwapOps() {
        @Override
        public long swapIn(long entry, boolean mayWait) {
            throw unexpected(entry);
        }

        @Override
        public void free(long entry) {
            throw unexpected(entry);
        }

        @Override
        public int users(long entry) {
            throw unexpected(entry);
        }

        @Override
        public void duplicate(long entry) {
            throw unexpected(entry);
        }

        @Override
        public boolean tryToFree(long pfn) {
            return false;
        }

        private IllegalStateException unexpected(long entry) {
            return new IllegalStateException("swap entry " + Long.toHexString(entry) + " on a machine without swap");
        }
    };
}
