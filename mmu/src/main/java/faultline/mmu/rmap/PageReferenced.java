package faultline.mmu.rmap;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.table.PageTables;

/**
 * Counts through how many mappings a page was used since it was last asked, and forgets it: for reclaim's second
 * chance.
 *
 * <p>Accessed bits are cleared without a flush, as on x86: a processor that keeps its translation does not set the bit
 * again until it loses it, which at worst makes a page in use look unused for once.
 */
public final class PageReferenced {
    private final PageTables tables;
    private final FrameTable frames;

    /** Asks the page tables {@code tables}. */
    public PageReferenced(PageTables tables) {
        this.tables = tables;
        this.frames = tables.memory().frames();
    }

    /** Instead of a number: the page lies in a locked mapping, and must stay. */
    public static final int LOCKED = Integer.MAX_VALUE;
    /** Added to the number: one of the mappings, used or not, is of a program's code. */
    public static final int EXECUTABLE = 1 << 30;

    /**
     * Through how many mappings the page was used; one in a locked mapping is put aside for reclaim.
     *
     * @param pfn a page that the caller has locked
     * @return the number, with {@link #EXECUTABLE}; or {@link #LOCKED}
     */
    @KernelFunction(value = "folio_referenced", file = "mm/rmap.c")
    @RequiresLock("PAGE_LOCK")
    public int count(long pfn) {
        if (frames.mapcount(pfn) == 0) {
            return 0;
        }
        Counter counter = new Counter(pfn);
        new RmapWalk(tables).walk(pfn, counter);
        return counter.locked ? LOCKED : counter.referenced;
    }

    private final class Counter implements RmapWalk.Visitor {
        private final long pfn;
        private int referenced;
        private boolean locked;

        Counter(long pfn) {
            this.pfn = pfn;
        }

        @Override
        @KernelFunction(value = "folio_referenced_one", file = "mm/rmap.c")
        public boolean visit(Vma area, long address, long pte) {
            if (area.has(VmFlags.LOCKED)) {
                // With the entry's lock held munlock, which takes it behind changing the flag, cannot miss the page.
                frames.lru().noteLocked(pfn);
                locked = true;
                return false;
            }
            if (area.has(VmFlags.EXEC)) {
                referenced |= EXECUTABLE;
            }
            boolean young = tables.ptepTestAndClearYoung(pte);
            if (young && !area.hasAny(VmFlags.SEQ_READ | VmFlags.RAND_READ)) {
                referenced++;
            }
            return true;
        }
    }
}
