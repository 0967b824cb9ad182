package faultline.mmu.rmap;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.file.FileAreas;
import faultline.mmu.file.IntervalNode;
import faultline.mmu.file.MappedArea;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PhysicalMemory;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.Pte;
import faultline.mmu.table.PtlGuard;

/**
 * Ages and unmaps pages of a file's nonlinear mappings, for want of a way to find one page in them.
 *
 * <p>A page that reclaim cannot free because nonlinear mappings show it is not looked for. Instead entries are taken as
 * they come, a cluster at a time: one whose page was used gets its second chance, another's page is unmapped, whichever
 * it is, and its number stays in the entry. The page that was wanted says only how hard to try: as many pages are
 * unmapped as it has mappings. Each mapping has a cursor where the next call goes on, and all advance together, so that
 * none is emptied before the others:
 *
 * <pre>
 *   mapping A  |=======>cursor                  |
 *   mapping B  |=======>cursor       |              all cursors follow the one that is farthest on, a cluster a pass;
 *   mapping C  |===>                            |   behind the longest mapping's end they start anew
 * </pre>
 *
 * <p>Whoever waits for the i_mmap lock gets it before the next pass (seed 003): truncation need not wait for more than
 * one. Cursors may then be out of date, which does no harm.
 *
 * <p>The pages that are unmapped are not locked by the caller. Their entries change under the page-table lock, as for
 * zapping; the next fault finds the page in the file by its number.
 */
final class NonlinearUnmap {
    /** Bytes looked at under one page-table lock: 32 pages, which never cross a table's end. */
    static final long CLUSTER_SIZE = 32 * Page.SIZE;

    private static final long CLUSTER_MASK = -CLUSTER_SIZE;

    private final PageTables tables;
    private final PhysicalMemory phys;
    private final FrameTable frames;
    private final Rmap rmap;
    private final AddressSpace mapping;
    private final FileAreas areas;
    private final PtlGuard guard = new PtlGuard();

    /** Pages still to be unmapped. */
    private int wanted;
    /** How far the cursors may come in this pass. */
    private long maxCursor;
    /** Length of the longest mapping, in whole clusters. */
    private long maxSize;

    NonlinearUnmap(PageTables tables, Rmap rmap, AddressSpace mapping) {
        this.tables = tables;
        this.phys = tables.memory();
        this.frames = phys.frames();
        this.rmap = rmap;
        this.mapping = mapping;
        this.areas = mapping.areas();
    }

    /** Unmaps as many pages as {@code mapcount}, none of which need be the one that has so many mappings. */
    @KernelFunction(value = "try_to_unmap_file", file = "mm/rmap.c")
    void run(int mapcount) {
        wanted = mapcount;
        areas.lock().lock();
        try {
            if (!measure()) {
                return;
            }
            for (; maxCursor <= maxSize; maxCursor += CLUSTER_SIZE) {
                areas.lock().condResched();
                advanceAll();
                if (wanted <= 0) {
                    return;
                }
            }
            // Perhaps what is left was all used, or is locked. The next call is to begin at the beginning.
            for (IntervalNode n = areas.nonlinear().first();
                    n != null;
                    n = areas.nonlinear().next(n)) {
                n.setCursor(0);
            }
        } finally {
            areas.lock().unlock();
        }
    }

    /** Finds how far the cursors are and may come. @return whether any mapping may be looked through */
    @RequiresLock("I_MMAP_LOCK")
    private boolean measure() {
        for (IntervalNode n = areas.nonlinear().first();
                n != null;
                n = areas.nonlinear().next(n)) {
            if (!isLocked(n)) {
                maxCursor = Math.max(maxCursor, n.cursor());
                maxSize = Math.max(maxSize, span(n.area()));
            }
        }
        maxSize = maxSize + CLUSTER_SIZE - 1 & CLUSTER_MASK;
        maxCursor = Math.max(maxCursor, CLUSTER_SIZE);
        return maxSize != 0;
    }

    /** Bytes from the start of the first cluster, which the mapping may begin within, to the end. */
    private static long span(MappedArea area) {
        return area.end() - (area.start() & CLUSTER_MASK);
    }

    private static boolean isLocked(IntervalNode node) {
        return (node.area().flags() & VmFlags.LOCKED) != 0;
    }

    /** One pass: every mapping catches up with {@link #maxCursor}, until enough is unmapped. */
    @RequiresLock("I_MMAP_LOCK")
    private void advanceAll() {
        for (IntervalNode n = areas.nonlinear().first();
                n != null;
                n = areas.nonlinear().next(n)) {
            if (isLocked(n)) {
                continue;
            }
            Vma area = (Vma) n.area();
            while (n.cursor() < maxCursor && n.cursor() < span(area)) {
                unmapCluster(area, n.cursor());
                n.setCursor(n.cursor() + CLUSTER_SIZE);
                if (wanted <= 0) {
                    return;
                }
            }
            n.setCursor(maxCursor);
        }
    }

    @KernelFunction(value = "try_to_unmap_cluster", file = "mm/rmap.c")
    @RequiresLock("I_MMAP_LOCK")
    private void unmapCluster(Vma area, long cursor) {
        long cluster = (area.start() & CLUSTER_MASK) + cursor;
        long start = Math.max(cluster, area.start());
        long end = Math.min(cluster + CLUSTER_SIZE, area.end());
        MmStruct mm = area.mm();
        long pmdEntry = tables.walkToPmd(mm.pgd(), start);
        long pte = pmdEntry < 0 ? -1 : tables.pteOffsetMapLock(mm, pmdEntry, start, guard);
        if (pte < 0) {
            return;
        }
        mm.updateHiwaterRss();
        for (long at = start; at < end; at += Page.SIZE, pte += 8) {
            long entry = phys.getLong(pte);
            if (Pte.isPresent(entry) && !Pte.isSpecial(entry) && !tables.ptepTestAndClearYoung(pte)) {
                unmapOne(area, at, pte, Pte.pfn(entry));
            }
        }
        guard.close();
    }

    @RequiresLock("PAGE_TABLE_LOCK")
    private void unmapOne(Vma area, long address, long pte, long pfn) {
        long entry = tables.ptepGetAndClear(pte);
        area.mm().tlb().flushPage(address);
        long index = frames.index(pfn);
        if (index != area.pageIndex(address)) {
            tables.setPte(pte, Pte.file(index));
        }
        if (Pte.isDirty(entry)) {
            mapping.setPageDirty(pfn);
        }
        area.mm().addRss(mapping.isShmem() ? MmStruct.SHMEMPAGES : MmStruct.FILEPAGES, -1);
        rmap.remove(pfn, area);
        phys.allocator().putPage(pfn);
        wanted--;
    }
}
