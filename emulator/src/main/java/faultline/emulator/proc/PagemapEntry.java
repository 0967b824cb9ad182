package faultline.emulator.proc;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.system.MemorySystem;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.Pte;
import faultline.mmu.table.PtlGuard;

/**
 * One 64-bit entry of /proc/PID/pagemap: bit 63 present, 62 swapped, 61 of a file or shared, 56 mapped once only, 55 soft-dirty,
 * 0–54 the frame or swap entry.
 */
final class PagemapEntry {
    private static final long PRESENT = 1L << 63;
    private static final long SWAP = 1L << 62;
    private static final long FILE = 1L << 61;
    private static final long EXCLUSIVE = 1L << 56;
    private static final long SOFT_DIRTY = 1L << 55;
    private static final int SWAP_TYPE_BITS = 5;

    private PagemapEntry() {}

    @KernelFunction(value = "pte_to_pagemap_entry", file = "fs/proc/task_mmu.c")
    static long of(MemorySystem memory, MmStruct mm, long address) {
        if (Long.compareUnsigned(address, MmLayout.TASK_SIZE) >= 0) {
            return 0;
        }
        mm.mmapLock().readLock();
        try {
            Vma vma = mm.vmas().lookup(address);
            if (vma == null) {
                return 0;
            }
            long softDirty = vma.has(VmFlags.SOFTDIRTY) ? SOFT_DIRTY : 0;
            return entry(memory, read(memory.tables(), mm, address), address) | softDirty;
        } finally {
            mm.mmapLock().readUnlock();
        }
    }

    private static long read(PageTables tables, MmStruct mm, long address) {
        long pmd = tables.walkToPmd(mm.pgd(), address);
        if (pmd < 0) {
            return 0;
        }
        long entry = tables.getPte(pmd);
        if (Pte.isNone(entry) || Pte.isHuge(entry)) {
            return entry;
        }
        PtlGuard guard = new PtlGuard();
        long pte = tables.pteOffsetMapLock(mm, pmd, address, guard);
        if (pte < 0) {
            return 0;
        }
        long value = tables.getPte(pte);
        tables.pteUnmapUnlock(pte, guard);
        return value;
    }

    private static long entry(MemorySystem memory, long pte, long address) {
        if (Pte.isNone(pte)) {
            return 0;
        }
        long soft = Pte.isSoftDirty(pte) ? SOFT_DIRTY : 0;
        if (!Pte.isPresent(pte)) {
            return Pte.isSwap(pte)
                    ? SWAP | soft | Pte.swapOffset(pte) << SWAP_TYPE_BITS | Pte.swapType(pte)
                    : soft;
        }
        long pfn = Pte.pfn(pte);
        if (Pte.isHuge(pte)) {
            pfn += address >>> MmLayout.PAGE_SHIFT & PageTables.ENTRIES - 1;
        }
        long result = PRESENT | soft | pfn;
        var frames = memory.phys().frames();
        if (!frames.isValid(pfn) || Pte.isSpecial(pte) || frames.test(pfn, PageFlags.RESERVED)) {
            return result;
        }
        if (!frames.test(pfn, PageFlags.ANON)) {
            result |= FILE;
        }
        return frames.mapcount(pfn) == 1 ? result | EXCLUSIVE : result;
    }
}
