package faultline.mmu.tlb;

/**
 * What the memory manager asks of the translation caches of one address space.
 *
 * <p>When a method returns, no access through a translation cached before the call can happen any more, on any
 * processor. It may have to wait for a processor that runs guest code; a processor that waits for a lock answers from
 * {@link faultline.mmu.lock.SpinWait#poll}. Page-table locks may be held around a call.
 */
public interface AddressSpaceTlb {
    /** Nothing is cached: for address spaces that no processor runs. */
    AddressSpaceTlb NONE = new AddressSpaceTlb() {
        @Override
        public void flushPage(long address) {}

        @Override
        public void flushRange(long start, long end) {}

        @Override
        public void flushAll() {}
    };

    /** Forgets the translation of the page that holds {@code address}. */
    void flushPage(long address);

    /** Forgets the translations of pages from {@code start} to {@code end}, exclusive; both page-aligned. */
    void flushRange(long start, long end);

    /** Forgets everything. */
    void flushAll();
}
