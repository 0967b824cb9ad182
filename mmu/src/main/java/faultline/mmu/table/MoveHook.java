package faultline.mmu.table;

/**
 * What mremap knows of the two areas and the mover does not: who else may look for their pages.
 *
 * <p>The locks are taken outside of page-table locks, and around nothing that allocates.
 */
public interface MoveHook {
    /** A private anonymous mapping without huge pages: nobody has to be locked out. */
    MoveHook NONE = new MoveHook() {};

    /**
     * Locks out whom moving single entries could deceive. For a file mapping that is truncation, by the i_mmap lock: it
     * might clear the destination first and the source afterwards, and we would carry stale pages from the one into the
     * other behind its back (seed 003). A reverse-map walk may also pass the destination before the page is there and
     * the source after it has left; the areas' order in the reverse map excludes that, or the anonymous lock taken
     * here.
     */
    default void lock() {}

    /** Undoes {@link #lock}. */
    default void unlock() {}

    /**
     * Locks out every reverse-map walk, since a table is about to leave from under it: i_mmap lock of a file mapping,
     * anon_vma lock of an area with anonymous pages (CVE-2022-41222).
     */
    default void lockForTable() {
        lock();
    }

    /** Undoes {@link #lockForTable}. */
    default void unlockForTable() {
        unlock();
    }

    /**
     * Replaces a huge page, that cannot move as one, by a table of small ones.
     *
     * @param pmdEntry its entry; no page-table lock is held
     * @param address an address in it
     * @return false for ENOMEM
     */
    default boolean splitHugePmd(long pmdEntry, long address) {
        throw new IllegalStateException("a huge page in an area that has none, at 0x" + Long.toHexString(address));
    }

    /** Whether write protection by userfaultfd ends with the move (the descriptor did not ask for remap events). */
    default boolean clearsUffdWp() {
        return false;
    }
}
