package faultline.mmu.rmap;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.file.FileAreas;
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
 * <p>The lock of the page's family or file is held over the whole walk, each table's lock while its entry is visited.
 * Entries are looked at under their lock only: an entry that is being cleared with its flush still to come cannot be
 * missed (see {@code Zap}).
 *
 * <p>Not thread-safe; make one for each walk, or keep one a thread.
 */
public final class RmapWalk {
    /** Instead of a frame: all. */
    private static final long ANY = -1;

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
        if (owner instanceof AnonVma family && frames.test(pfn, PageFlags.ANON)) {
            walk(family.lock(), family.areas(), pfn, frames.index(pfn), visitor);
        } else if (owner instanceof AddressSpace mapping) {
            walk(mapping.areas().lock(), mapping.areas().linear(), pfn, frames.index(pfn), visitor);
        }
    }

    /**
     * As {@link #walk}, and into nonlinear mappings, which nothing says where to look in: all their entries are looked
     * at. Those who must miss none ask so.
     */
    @RequiresLock("PAGE_LOCK")
    public void walkEverywhere(long pfn, Visitor visitor) {
        walk(pfn, visitor);
        if (frames.mapping(pfn) instanceof AddressSpace mapping) {
            walkNonlinear(mapping, pfn, visitor);
        }
    }

    /** Visits every entry in nonlinear mappings of a file that shows a page of it. */
    public void walkNonlinear(AddressSpace mapping, Visitor visitor) {
        walkNonlinear(mapping, ANY, visitor);
    }

    private void walkNonlinear(AddressSpace mapping, long pfn, Visitor visitor) {
        FileAreas areas = mapping.areas();
        areas.lock().lock();
        try {
            boolean more = true;
            for (IntervalNode n = areas.nonlinear().first();
                    n != null && more;
                    n = areas.nonlinear().next(n)) {
                more = search((Vma) n.area(), pfn, visitor);
            }
        } finally {
            areas.lock().unlock();
        }
    }

    private boolean search(Vma area, long pfn, Visitor visitor) {
        for (long at = area.start(); at < area.end(); ) {
            long next = Math.min(area.end(), (at & Page.PMD_MASK) + Page.PMD_SIZE);
            long pmdEntry = tables.walkToPmd(area.mm().pgd(), at);
            if (pmdEntry >= 0 && !searchTable(area, pmdEntry, at, next, pfn, visitor)) {
                return false;
            }
            at = next;
        }
        return true;
    }

    private boolean searchTable(Vma area, long pmdEntry, long start, long end, long pfn, Visitor visitor) {
        long pte = tables.pteOffsetMapLock(area.mm(), pmdEntry, start, guard);
        if (pte < 0) {
            return true;
        }
        try {
            boolean more = true;
            for (long at = start; at < end && more; at += Page.SIZE, pte += 8) {
                more = !maps(pte, pfn) || visitor.visit(area, at, pte);
            }
            return more;
        } finally {
            guard.close();
        }
    }

    @RequiresLock("PAGE_TABLE_LOCK")
    private boolean maps(long pte, long pfn) {
        long entry = phys.getLong(pte);
        return Pte.isPresent(entry) && !Pte.isSpecial(entry) && (pfn == ANY || Pte.pfn(entry) == pfn);
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
            return !maps(pte, pfn) || visitor.visit(area, address, pte);
        } finally {
            tables.pteUnmapUnlock(pte, guard);
        }
    }
}
