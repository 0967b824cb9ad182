package faultline.mmu.fault;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.file.PageCache;
import faultline.mmu.phys.FrameAllocator;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PhysicalMemory;
import faultline.mmu.rmap.Rmap;
import faultline.mmu.rmap.SwapOps;
import faultline.mmu.table.PageTables;

/** What of the machine the steps of a fault work on; one object a machine. */
public final class FaultEnv {
    final PhysicalMemory phys;
    final FrameTable frames;
    final FrameAllocator allocator;
    final PageTables tables;
    final PageCache cache;
    final Rmap rmap;
    final long zeroPfn;
    volatile SwapOps swap = SwapOps.NONE;

    /**
     * @param tables page tables in {@code cache}'s memory
     * @param cache the machine's page cache
     * @param rmap the machine's reverse map
     * @param zeroPfn the frame that untouched anonymous memory reads as: zeros, RESERVED
     */
    public FaultEnv(PageTables tables, PageCache cache, Rmap rmap, long zeroPfn) {
        this.phys = cache.phys();
        this.frames = cache.frames();
        this.allocator = cache.allocator();
        this.tables = tables;
        this.cache = cache;
        this.rmap = rmap;
        this.zeroPfn = zeroPfn;
    }

    /** The frame of zeros. */
    public long zeroPfn() {
        return zeroPfn;
    }

    /** The reverse map. */
    public Rmap rmap() {
        return rmap;
    }

    /** The page cache. */
    public PageCache cache() {
        return cache;
    }

    /** The page tables. */
    public PageTables tables() {
        return tables;
    }

    /** What swapping is done by. */
    public SwapOps swap() {
        return swap;
    }

    /** Installs swapping; once, before the first entry can be a swap entry. */
    public void setSwap(SwapOps ops) {
        swap = ops;
    }

    /** Whether {@code pfn} is a page that is counted and referenced by its mappings (Linux: {@code vm_normal_page}). */
    boolean isCounted(long pfn) {
        return pfn != zeroPfn && frames.isValid(pfn) && !frames.test(pfn, PageFlags.RESERVED);
    }

    /**
     * The first address behind {@code address} that can be mapped, for a walk that found no PMD table there.
     */
    long behindHole(long pgd, long address) {
        long span = tables.walkToPud(pgd, address) < 0 ? Page.PGD_SIZE : Page.PUD_SIZE;
        return (address & -span) + span;
    }

    /** A zeroed frame for user memory with one reference, or -1. */
    long allocZeroed() {
        long pfn = allocator.allocZeroedPage();
        if (pfn >= 0) {
            cache.instructionCache().flushFrame(pfn);
        }
        return pfn;
    }

    /** A frame with a copy of {@code from} for user memory with one reference, or -1. */
    long allocCopy(long from) {
        long pfn = allocator.allocPage();
        if (pfn >= 0) {
            copyPage(from, pfn);
        }
        return pfn;
    }

    /** Copies a page into a frame that user memory is going to be. */
    @KernelFunction("copy_user_highpage")
    void copyPage(long from, long to) {
        phys.copy(from << Page.SHIFT, to << Page.SHIFT, Page.SIZE);
        cache.instructionCache().flushFrame(to);
    }
}
