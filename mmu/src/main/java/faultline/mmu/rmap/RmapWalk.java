package faultline.mmu.rmap;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.file.IntervalNode;
import faultline.mmu.file.IntervalTree;
import faultline.mmu.lock.SpinLock;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.phys.PhysicalMemory;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.Pte;
import faultline.mmu.table.PtlGuard;

/**
 * Visits every page-table entry that maps one page.
 *
 * <p>The lock of the page's family or file is held over the whole walk, each table's lock while its entry is visited. Entries
 * are looked at under their lock only: an entry that is being cleared with its flush still to come cannot be missed
 * (see {@code Zap}).
 *
 * <p>Not thread-safe; make one for each walk, or keep one a thread.
 */
public final class RmapWalk {
    private final PageTables tables;
    private final PhysicalMemory phys;
    private final FrameTable frames;
    private final PtlGuard guard = new PtlGuard();

    /** What is done with each entry. */
    @FunctionalInterface
    public interface Visitor {
        /**
         * One entry that maps the page; its page-table lock is held.
         *
         * @param area the mapping it belongs to
         * @param address the virtual address
         * @param pte physical address of the entry
         * @return whether to go on
         */
        boolean visit(Vma area, long address, long pte);
    }

    /** A walk in {@code tables}' memory. */
    public RmapWalk(PageTables tables) {
        this.tables = tables;
        this.phys = tables.memory();
        this.frames = phys.frames();
    }

    /**
     * Visits all entries that map frame {@code pfn}, until the visitor wants no more.
     *
     * @param pfn a page that is locked by the caller, so that it stays what it is
     */
    @KernelFunction(value = "rmap_walk", file = "mm/rmap.c")
    @RequiresLock("PAGE_LOCK")
    public void walk(long pfn, Visitor visitor) {
        Object owner = frames.mapping(pfn);
        if (frames.test(pfn, PageFlags.ANON)) {
            AnonVma family = (AnonVma) owner;
            walk(family.lock(), family.areas(), pfn, frames.index(pfn), visitor);
        } else if (owner instanceof AddressSpace mapping) {
            walk(mapping.iMmapLock(), mapping.iMmap(), pfn, frames.index(pfn), visitor);
        }
    }

    private void walk(SpinLock lock, IntervalTree areas, long pfn, long index, Visitor visitor) {
        lock.lock();
        try {
            IntervalNode node = areas.firstOverlap(index, index);
            while (node != null && visitArea((Vma) node.area(), index, pfn, visitor)) {
                node = areas.nextOverlap(node, index, index);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Visits the one entry of {@code area} that can map the page, if it does. */
    @KernelFunction(value = "page_vma_mapped_walk", file = "mm/page_vma_mapped.c")
    private boolean visitArea(Vma area, long index, long pfn, Visitor visitor) {
        long address = area.start() + (index - area.pgoff() << Page.SHIFT);
        if (address < area.start() || address >= area.end()) {
            return true;
        }
        long pmdEntry = tables.walkToPmd(area.mm().pgd(), address);
        if (pmdEntry < 0) {
            return true;
        }
        long pte = tables.pteOffsetMapLock(area.mm(), pmdEntry, address, guard);
        if (pte < 0) {
            return true;
        }
        try {
            long entry = phys.getLong(pte);
            boolean maps = Pte.isPresent(entry) && !Pte.isSpecial(entry) && Pte.pfn(entry) == pfn;
            return !maps || visitor.visit(area, address, pte);
        } finally {
            tables.pteUnmapUnlock(pte, guard);
        }
    }
}
