package faultline.mmu.table;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PhysicalMemory;
import faultline.mmu.tlb.MmuGather;

/**
 * Frees the page tables that spanned an unmapped range and nothing else.
 *
 * <p>A table is freed when no area that is left can have entries in it. {@code floor} and {@code ceiling} are the end
 * of the area below and the start of the one above: only a table whose whole span lies between them goes.
 *
 * <pre>
 *   area      floor                range                 ceiling   area
 *   ####|.......................|**********|..................|####
 *         |---table---|---table---|---table---|---table---|
 *               stays       goes        goes      (no entries: not looked at)
 * </pre>
 */
public final class PageTableReaper {
    private final PageTables tables;
    private final PhysicalMemory memory;

    /** Frees tables of the machine that {@code tables} is of. */
    public PageTableReaper(PageTables tables) {
        this.tables = tables;
        this.memory = tables.memory();
    }

    /**
     * Frees the tables of a range whose entries are all cleared. They go when {@code gather} flushes.
     *
     * <p>The areas of the range have left their files' and anonymous reverse maps, so that no reverse-map walk comes
     * here any more.
     *
     * @param start first address of the range
     * @param end end of it, exclusive
     * @param floor end of the last area below, 0 for none
     * @param ceiling start of the first area above, 0 for none
     */
    @KernelFunction(value = "free_pgd_range", file = "mm/memory.c")
    @RequiresLock("MMAP_LOCK")
    public void freePgtables(PageTableOwner mm, MmuGather gather, long start, long end, long floor, long ceiling) {
        long bottom = start & Page.PMD_MASK;
        if (bottom < floor) {
            bottom += Page.PMD_SIZE;
        }
        long limit = ceiling & Page.PMD_MASK;
        long top = end + Page.PMD_SIZE - 1 & Page.PMD_MASK;
        if (ceiling != 0 && top > limit) {
            top = limit;
        }
        for (long at = bottom; Long.compareUnsigned(at, top) < 0; ) {
            long next = Math.min((at & Page.PGD_MASK) + Page.PGD_SIZE, top);
            long pgdEntry = tables.pgdOffset(mm.pgd(), at);
            if (Pte.isTable(memory.getLong(pgdEntry))) {
                freePuds(mm, gather, pgdEntry, at, next, floor, ceiling);
            }
            at = next;
        }
    }

    @KernelFunction("free_pud_range")
    private void freePuds(
            PageTableOwner mm, MmuGather gather, long pgdEntry, long start, long end, long floor, long ceiling) {
        for (long at = start; at < end; ) {
            long next = Math.min((at & Page.PUD_MASK) + Page.PUD_SIZE, end);
            long pudEntry = tables.pudOffset(pgdEntry, at);
            if (Pte.isTable(memory.getLong(pudEntry))) {
                freePmds(mm, gather, pudEntry, at, next, floor, ceiling);
            }
            at = next;
        }
        if (mayGo(start, end, Page.PGD_SIZE, floor, ceiling)) {
            cut(gather, pgdEntry, start, Page.PGD_SIZE);
            mm.addNrPuds(-1);
        }
    }

    @KernelFunction("free_pmd_range")
    private void freePmds(
            PageTableOwner mm, MmuGather gather, long pudEntry, long start, long end, long floor, long ceiling) {
        int ptes = 0;
        for (long at = start; at < end; at += Page.PMD_SIZE) {
            long pmdEntry = tables.pmdOffset(pudEntry, at);
            if (Pte.isTable(memory.getLong(pmdEntry))) {
                cut(gather, pmdEntry, at, Page.PMD_SIZE);
                ptes++;
            }
        }
        if (ptes > 0) {
            mm.addNrPtes(-ptes);
        }
        if (mayGo(start, end, Page.PUD_SIZE, floor, ceiling)) {
            cut(gather, pudEntry, start, Page.PUD_SIZE);
            mm.addNrPmds(-1);
        }
    }

    /** Whether a table that spans {@code span} bytes around the range has no area left in it. */
    private static boolean mayGo(long start, long end, long span, long floor, long ceiling) {
        long bottom = start & -span;
        if (bottom < floor) {
            return false;
        }
        long limit = ceiling == 0 ? 0 : ceiling & -span;
        return ceiling == 0 || end - 1 < limit;
    }

    private void cut(MmuGather gather, long entry, long address, long span) {
        long table = Pte.pfn(memory.getLong(entry));
        memory.putLongRelease(entry, 0);
        gather.removeTable(table, address, span);
    }
}
