package faultline.mmu.op;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.Pte;
import faultline.mmu.table.PtlGuard;

/**
 * Gives present entries the rights their mapping now has.
 *
 * <p>Rights that go are flushed from translations once, at the end; rights that come need no flush, since a translation
 * that knows too little only brings the processor back to the tables. Where writing is allowed again, a page that is
 * its mapping's own gets its writable entry at once, saving the fault.
 */
@KernelFunction(value = "change_protection", file = "mm/mprotect.c")
final class ProtectionChange extends PageTableWalk {
    private final FrameTable frames;
    private final PtlGuard hugeGuard = new PtlGuard();
    private Vma vma;
    private long prot;
    private boolean mayWrite;
    private boolean shared;
    private long flushFrom;
    private long flushTo;

    ProtectionChange(PageTables tables) {
        super(tables);
        this.frames = tables.memory().frames();
    }

    /** Applies {@code vma.pageProt()} to a part of {@code vma}. */
    @RequiresLock("MMAP_LOCK")
    void apply(Vma target, long start, long end) {
        vma = target;
        prot = target.pageProt();
        mayWrite = target.has(VmFlags.WRITE);
        shared = target.has(VmFlags.SHARED);
        flushFrom = Long.MAX_VALUE;
        flushTo = 0;
        MmStruct mm = target.mm();
        walk(mm, start, end);
        if (flushTo != 0) {
            mm.tlb().flushRange(flushFrom, flushTo);
        }
    }

    @Override
    protected boolean splitsHuge(long addr, long end) {
        return end - addr != MmLayout.PMD_SIZE;
    }

    @Override
    @KernelFunction(value = "change_huge_pmd", file = "mm/huge_memory.c")
    protected void huge(long pmdEntry, long addr, long end) {
        if (!tables.huge().lock(vma.mm(), pmdEntry, hugeGuard)) {
            walk(vma.mm(), addr, end); // reclaim has split it meanwhile
            return;
        }
        long old = phys.getLong(pmdEntry);
        long changed = modified(old);
        while (changed != old && !phys.casLong(pmdEntry, old, changed)) {
            old = phys.getLong(pmdEntry);
            changed = modified(old);
        }
        hugeGuard.close();
        if (losesRights(old, changed)) {
            flushFrom = Math.min(flushFrom, addr);
            flushTo = end;
        }
    }

    @Override
    @KernelFunction(value = "change_pte_range", file = "mm/mprotect.c")
    protected void table(long pte, long addr, long end) {
        long first = -1;
        long last = -1;
        long at = pte;
        for (long a = addr; a < end; a += MmLayout.PAGE_SIZE, at += 8) {
            long old = phys.getLong(at);
            if (!Pte.isPresent(old)) {
                continue;
            }
            long changed = modified(old);
            if (isSettled(old)) {
                tables.setPte(at, changed);
            } else {
                // The processor may set accessed and dirty meanwhile: such a change is taken along, not lost
                // (MprotectRaceTest).
                while (changed != old && !phys.casLong(at, old, changed)) {
                    old = phys.getLong(at);
                    changed = modified(old);
                }
            }
            if (losesRights(old, changed)) {
                first = first < 0 ? a : first;
                last = a;
            }
        }
        if (first >= 0) {
            flushFrom = Math.min(flushFrom, first);
            flushTo = last + MmLayout.PAGE_SIZE;
        }
    }

    /**
     * Whether the processor has nothing left to set in the entry, so that no atomic instruction is needed to change it.
     */
    private static boolean isSettled(long entry) {
        return (entry & Pte.ACCESSED) != 0 && (entry & (Pte.DIRTY | Pte.RW)) != Pte.RW;
    }

    /** Whether a translation made from {@code old} would allow what {@code changed} does not. */
    @KernelFunction("pte_needs_flush")
    private static boolean losesRights(long old, long changed) {
        long granted = (old ^ Pte.NX) & (Pte.PRESENT | Pte.RW | Pte.NX);
        return Pte.isHardwarePresent(old) && (granted & ~(changed ^ Pte.NX)) != 0;
    }

    private long modified(long old) {
        long changed = Pte.modify(old, prot);
        return mayWrite && !Pte.isWrite(changed) && !Pte.isUffdWp(old) && mayWriteAtOnce(old)
                ? Pte.mkWrite(changed)
                : changed;
    }

    /** Whether the next write needs no fault: the page is this mapping's own, or its file knows it is being written. */
    @KernelFunction(value = "can_change_pte_writable", file = "mm/mprotect.c")
    private boolean mayWriteAtOnce(long entry) {
        if (Pte.isDirty(entry) && !Pte.isSoftDirty(entry)) {
            return false; // soft-dirty bits were cleared: the next write has to be noticed
        }
        if (shared) {
            return Pte.isDirty(entry);
        }
        long pfn = Pte.pfn(entry);
        return !Pte.isSpecial(entry)
                && frames.isValid(pfn)
                && (frames.flags(pfn) & (PageFlags.ANON | PageFlags.ANON_EXCLUSIVE))
                        == (PageFlags.ANON | PageFlags.ANON_EXCLUSIVE);
    }
}
