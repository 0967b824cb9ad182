package faultline.mmu.rmap;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.PageFlags;
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

    /**
     * How often the page was referenced: mappings whose accessed bit was set, one more if it was touched by system
     * calls;
     * {@code Integer.MAX_VALUE} when it lies in a locked mapping and must stay.
     *
     * @param pfn a page that the caller has locked
     */
    @KernelFunction(value = "folio_referenced", file = "mm/rmap.c")
    @RequiresLock("PAGE_LOCK")
    public int count(long pfn) {
        Counter counter = new Counter();
        if (frames.mapcount(pfn) != 0) {
            new RmapWalk(tables).walk(pfn, counter);
        }
        if (counter.locked) {
            return Integer.MAX_VALUE;
        }
        return frames.testAndClear(pfn, PageFlags.REFERENCED) ? counter.referenced + 1 : counter.referenced;
    }

    private final class Counter implements RmapWalk.Visitor {
        private int referenced;
        private boolean locked;

        @Override
        @KernelFunction(value = "folio_referenced_one", file = "mm/rmap.c")
        public boolean visit(Vma area, long address, long pte) {
            if (area.has(VmFlags.LOCKED)) {
                locked = true;
                return false;
            }
            boolean young = tables.ptepTestAndClearYoung(pte);
            if (young && !area.hasAny(VmFlags.SEQ_READ | VmFlags.RAND_READ)) {
                referenced++;
            }
            return true;
        }
    }
}
