package faultline.mmu.rmap;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.phys.PhysicalMemory;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.Pte;

/**
 * Takes a page out of all page tables, to be reclaimed.
 *
 * <p>An anonymous page leaves its swap entry in each place, a file's page nothing: the file knows where it was. Each
 * entry is cleared and its translation flushed before the page is looked at again, so that no store can follow
 * unnoticed; a dirty entry marks the page dirty. A page of a locked mapping stays, and is marked so that reclaim passes
 * it over. A page of a file that nonlinear mappings show is not looked for in them: see {@link NonlinearUnmap}.
 */
public final class TryToUnmap {
    private final PageTables tables;
    private final PhysicalMemory phys;
    private final FrameTable frames;
    private final Rmap rmap;
    private final SwapOps swap;

    /**
     * @param tables the machine's page tables
     * @param rmap the machine's reverse map
     * @param swap what counts users of swap slots
     */
    public TryToUnmap(PageTables tables, Rmap rmap, SwapOps swap) {
        this.tables = tables;
        this.phys = tables.memory();
        this.frames = phys.frames();
        this.rmap = rmap;
        this.swap = swap;
    }

    /**
     * Unmaps the page everywhere.
     *
     * @param pfn a page that the caller has locked and holds a reference on; if anonymous, in the swap cache with its
     *     swap entry as private value, or discardable (not SWAPBACKED: MADV_FREE)
     * @return whether no entry maps it any more
     */
    @KernelFunction(value = "try_to_unmap", file = "mm/rmap.c")
    @RequiresLock("PAGE_LOCK")
    public boolean tryToUnmap(long pfn) {
        if (frames.mapcount(pfn) != 0) {
            new RmapWalk(tables).walk(pfn, (area, address, pte) -> unmapOne(pfn, area, address, pte));
        }
        if (frames.mapcount(pfn) != 0
                && frames.mapping(pfn) instanceof AddressSpace mapping
                && !mapping.areas().nonlinear().isEmpty()) {
            new NonlinearUnmap(tables, rmap, mapping).run(frames.mapcount(pfn));
        }
        return frames.mapcount(pfn) == 0;
    }

    @KernelFunction(value = "try_to_unmap_one", file = "mm/rmap.c")
    @RequiresLock("PAGE_TABLE_LOCK")
    private boolean unmapOne(long pfn, Vma area, long address, long pte) {
        if (area.has(VmFlags.LOCKED)) {
            frames.lru().noteLocked(pfn);
            return false;
        }
        MmStruct mm = area.mm();
        long entry = tables.ptepGetAndClear(pte);
        mm.tlb().flushPage(address);
        mm.updateHiwaterRss();
        if (!frames.test(pfn, PageFlags.ANON)) {
            unmapFilePage(pfn, mm, entry);
            if (Pte.isUffdWp(entry) && area.has(VmFlags.UFFD_WP)) {
                tables.setPte(pte, Pte.marker(Pte.MARKER_UFFD_WP));
            }
        } else if (!unmapAnonPage(pfn, area, entry, pte)) {
            return false;
        }
        rmap.remove(pfn, area);
        if (frames.put(pfn)) {
            throw new IllegalStateException("frame " + pfn + " is unmapped without a reference of the caller");
        }
        return true;
    }

    private void unmapFilePage(long pfn, MmStruct mm, long entry) {
        AddressSpace mapping = (AddressSpace) frames.mapping(pfn);
        if (Pte.isDirty(entry)) {
            mapping.setPageDirty(pfn);
        }
        mm.addRss(mapping.isTmpfs() ? MmStruct.SHMEMPAGES : MmStruct.FILEPAGES, -1);
    }

    private boolean unmapAnonPage(long pfn, Vma area, long entry, long pte) {
        if (Pte.isDirty(entry)) {
            frames.set(pfn, PageFlags.DIRTY);
        }
        if (!frames.test(pfn, PageFlags.SWAPBACKED)) {
            return discard(pfn, area, entry, pte);
        }
        long swapEntry = frames.privateData(pfn);
        swap.duplicate(swapEntry);
        // Only one mapping can hold an exclusive page, and this was it: the page itself is nobody's from now on.
        if (frames.testAndClear(pfn, PageFlags.ANON_EXCLUSIVE)) {
            swapEntry = Pte.mkSwapExclusive(swapEntry);
        }
        if (Pte.isSoftDirty(entry)) {
            swapEntry = Pte.mkSoftDirty(swapEntry);
        }
        if (Pte.isUffdWp(entry)) {
            swapEntry = Pte.mkUffdWp(swapEntry);
        }
        tables.setPte(pte, swapEntry);
        area.mm().addRss(MmStruct.ANONPAGES, -1);
        area.mm().addRss(MmStruct.SWAPENTS, 1);
        return true;
    }

    /**
     * A page given up by MADV_FREE goes without a trace, unless it has been written since: then it is kept as before.
     * One of MAP_DROPPABLE goes in any case.
     */
    private boolean discard(long pfn, Vma area, long entry, long pte) {
        if (frames.test(pfn, PageFlags.DIRTY) && !area.has(VmFlags.DROPPABLE)) {
            tables.setPte(pte, entry);
            frames.lru().setSwapBacked(pfn);
            return false;
        }
        area.mm().addRss(MmStruct.ANONPAGES, -1);
        return true;
    }
}
