package faultline.mmu.op;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PhysicalMemory;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.Pte;
import faultline.mmu.table.PtlGuard;

/**
 * Visits the page tables of a range, a table at a time with its lock held, skipping at once what has no table. Nothing
 * is allocated on the way.
 */
@KernelFunction(value = "walk_page_range", file = "mm/pagewalk.c")
public abstract class PageTableWalk {
    protected final PageTables tables;
    protected final PhysicalMemory phys;
    private final PtlGuard guard = new PtlGuard();

    /** A walk of tables of one machine. */
    protected PageTableWalk(PageTables tables) {
        this.tables = tables;
        this.phys = tables.memory();
    }

    /**
     * Walks [{@code start}, {@code end}), both page-aligned.
     *
     * <p>The caller holds the mmap lock, shared at least.
     */
    @RequiresLock("MMAP_LOCK:read")
    public final void walk(MmStruct mm, long start, long end) {
        long addr = start;
        while (addr < end) {
            long pgd = tables.pgdOffset(mm.pgd(), addr);
            if (Pte.isNone(phys.getLongAcquire(pgd))) {
                addr = skip(addr, end, Page.PGD_SIZE);
                continue;
            }
            long pud = tables.pudOffset(pgd, addr);
            if (Pte.isNone(phys.getLongAcquire(pud))) {
                addr = skip(addr, end, Page.PUD_SIZE);
                continue;
            }
            if (Pte.isHuge(phys.getLongAcquire(pud))) {
                long behind = boundary(addr, end, Page.PUD_SIZE);
                huge(pud, addr, behind);
                addr = behind;
                continue;
            }
            long pmd = tables.pmdOffset(pud, addr);
            if (Pte.isNone(phys.getLongAcquire(pmd))) {
                addr = skip(addr, end, Page.PMD_SIZE);
                continue;
            }
            long next = boundary(addr, end, Page.PMD_SIZE);
            long pte = tables.pteOffsetMapLock(mm, pmd, addr, guard);
            if (pte == PageTables.HUGE) {
                if (splitsHuge(addr, next)) {
                    tables.huge().split(mm, pmd);
                    continue;
                }
                huge(pmd, addr, next);
            } else if (pte < 0) {
                hole(addr, next);
            } else {
                table(pte, addr, next);
                tables.pteUnmapUnlock(pte, guard);
            }
            addr = next;
        }
    }

    private long skip(long addr, long end, long size) {
        long next = boundary(addr, end, size);
        hole(addr, next);
        return next;
    }

    private static long boundary(long addr, long end, long size) {
        long next = (addr + size) & -size;
        return next < end ? next : end;
    }

    /**
     * Entries of [{@code addr}, {@code end}) within one table, its lock being held.
     *
     * @param pte physical address of the entry of {@code addr}; the others follow
     */
    protected abstract void table(long pte, long addr, long end);

    /**
     * Whether a huge page, of which [{@code addr}, {@code end}) is to be walked, is to become small pages first:
     * whoever changes a part of it.
     */
    protected boolean splitsHuge(long addr, long end) {
        return false;
    }

    /** A huge page stands at [{@code addr}, {@code end}) or at more, in a PMD or a PUD entry; its lock is not held. */
    protected void huge(long pmdEntry, long addr, long end) {}

    /** There is no table for [{@code addr}, {@code end}). */
    protected void hole(long addr, long end) {}
}
