package faultline.mmu.tlb;

import java.util.TreeMap;

/**
 * A processor's TLB that keeps what it was given until it is flushed, for ever if need be: the worst that hardware may
 * do.
 */
public final class ModelTlb implements AddressSpaceTlb {
    /** Frame by page address. */
    private final TreeMap<Long, Long> entries = new TreeMap<>();

    private int flushes;

    /** The processor has used a translation. */
    public void fill(long address, long pfn) {
        entries.put(address & -4096L, pfn);
    }

    /** The frame that an access would reach, -1 when the processor would have to walk. */
    public long lookup(long address) {
        return entries.getOrDefault(address & -4096L, -1L);
    }

    /** Whether any translation leads to the frame. */
    public boolean reaches(long pfn) {
        return entries.containsValue(pfn);
    }

    public int flushes() {
        return flushes;
    }

    @Override
    public void flushPage(long address) {
        flushes++;
        entries.remove(address & -4096L);
    }

    @Override
    public void flushRange(long start, long end) {
        flushes++;
        entries.subMap(start, end).clear();
    }

    @Override
    public void flushAll() {
        flushes++;
        entries.clear();
    }
}
