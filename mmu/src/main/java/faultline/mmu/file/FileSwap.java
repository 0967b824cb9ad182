package faultline.mmu.file;

/** Where pages of memory files go when memory runs out; implemented by the swap layer. Slots are numbers above 0. */
public interface FileSwap {
    /** Fills frame {@code pfn}, which the caller has locked, from a slot. @return 0 or -EIO */
    int readPage(long slot, long pfn);

    /** Gives a slot back that stood for a page of a file. */
    void freeSlot(long slot);

    /**
     * A file has its first page in swap now, or none any more. Called under the file's i_pages lock.
     *
     * @param any whether it has one
     */
    void noteSwapped(AddressSpace file, boolean any);
}
