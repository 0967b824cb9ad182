package faultline.mmu.view;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.op.PageTableWalk;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.Pte;
import java.util.Arrays;

/** /proc/PID/pagemap: 64 bits a page. */
public final class PageMap {
    /** The page is in memory. */
    public static final long PRESENT = 1L << 63;
    /** The page is in swap. */
    public static final long SWAP = 1L << 62;
    /** The page belongs to a file or to shared memory. */
    public static final long FILE = 1L << 61;
    /** Write-protected by userfaultfd. */
    public static final long UFFD_WP = 1L << 57;
    /** Mapped by nobody else. */
    public static final long EXCLUSIVE = 1L << 56;
    /** Written since soft-dirty bits were cleared. */
    public static final long SOFT_DIRTY = 1L << 55;
    /** Frame number of a present page. */
    public static final long PFN_MASK = (1L << 55) - 1;

    /** The page is a guard page (MADV_GUARD_INSTALL). */
    public static final long GUARD_REGION = 1L << 58;

    private PageMap() {}

    /**
     * The entries of some pages; 0 where nothing is mapped.
     *
     * @param start address of the first, page-aligned
     * @param out receives one entry a page
     * @param frames whether the reader may see frame numbers (CAP_SYS_ADMIN)
     */
    @KernelFunction(value = "pagemap_read", file = "fs/proc/task_mmu.c")
    public static void read(PageTables tables, MmStruct mm, long start, long[] out, boolean frames) {
        long end = start + ((long) out.length << MmLayout.PAGE_SHIFT);
        Arrays.fill(out, 0);
        mm.mmapLock().readLock();
        try {
            for (Vma v = mm.vmas().intersection(start, end); v != null && v.start() < end; v = v.next()) {
                long from = Math.max(start, v.start());
                new Walk(tables, v, start, out, frames).walk(mm, from, Math.min(end, v.end()));
            }
        } finally {
            mm.mmapLock().readUnlock();
        }
    }

    private static final class Walk extends PageTableWalk {
        private final FrameTable table;
        private final Vma vma;
        private final long base;
        private final long[] out;
        private final boolean frames;

        Walk(PageTables tables, Vma vma, long base, long[] out, boolean frames) {
            super(tables);
            this.table = tables.memory().frames();
            this.vma = vma;
            this.base = base;
            this.out = out;
            this.frames = frames;
        }

        @Override
        protected void table(long pte, long addr, long end) {
            long at = pte;
            for (long a = addr; a < end; a += MmLayout.PAGE_SIZE, at += 8) {
                out[(int) (a - base >>> MmLayout.PAGE_SHIFT)] = entry(phys.getLong(at)) | softDirtyMapping();
            }
        }

        @Override
        protected void huge(long pmdEntry, long addr, long end) {
            long pmd = phys.getLongAcquire(pmdEntry);
            if (!Pte.isHuge(pmd)) {
                walk(vma.mm(), addr, end); // split meanwhile
                return;
            }
            // The huge page of zeros, unlike the small one, is told to be a file's.
            long head = entry(pmd) | softDirtyMapping() | (Pte.isSpecial(pmd) ? FILE : 0);
            for (long a = addr; a < end; a += MmLayout.PAGE_SIZE) {
                long within = frames ? tables.huge().offsetIn(pmd, a) >>> MmLayout.PAGE_SHIFT : 0;
                out[(int) (a - base >>> MmLayout.PAGE_SHIFT)] = head + within;
            }
        }

        @Override
        protected void hole(long addr, long end) {
            for (long a = addr; a < end; a += MmLayout.PAGE_SIZE) {
                out[(int) (a - base >>> MmLayout.PAGE_SHIFT)] = softDirtyMapping();
            }
        }

        private long softDirtyMapping() {
            return vma.has(VmFlags.SOFTDIRTY) ? SOFT_DIRTY : 0;
        }

        @KernelFunction(value = "pte_to_pagemap_entry", file = "fs/proc/task_mmu.c")
        private long entry(long pte) {
            if (Pte.isPresent(pte)) {
                return present(pte, Pte.pfn(pte));
            }
            if (!Pte.isSwap(pte)) {
                return marker(pte);
            }
            long bits = SWAP | (Pte.isSoftDirty(pte) ? SOFT_DIRTY : 0) | (Pte.isUffdWp(pte) ? UFFD_WP : 0);
            return frames ? bits | (Pte.swapType(pte) | Pte.swapOffset(pte) << 5) & PFN_MASK : bits;
        }

        private static long marker(long pte) {
            if (!Pte.isMarker(pte)) {
                return 0;
            }
            return SWAP | (Pte.isGuard(pte) ? GUARD_REGION : 0) | (Pte.isUffdWpMarker(pte) ? UFFD_WP : 0);
        }

        private long present(long pte, long pfn) {
            long bits = PRESENT;
            if (frames) {
                bits |= pfn & PFN_MASK;
            }
            if (Pte.isSoftDirty(pte)) {
                bits |= SOFT_DIRTY;
            }
            if (Pte.isUffdWp(pte)) {
                bits |= UFFD_WP;
            }
            if (!Pte.isSpecial(pte) && table.isValid(pfn)) {
                bits |= table.test(pfn, PageFlags.ANON) ? 0 : FILE;
                bits |= table.mapcount(pfn) == 1 ? EXCLUSIVE : 0;
            }
            return bits;
        }
    }
}
