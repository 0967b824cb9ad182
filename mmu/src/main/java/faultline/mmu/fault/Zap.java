package faultline.mmu.fault;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.table.HugePmd;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.Pte;
import faultline.mmu.table.PtlGuard;
import faultline.mmu.tlb.MmuGather;

/**
 * Clears the page-table entries of a range and lets go of what they held.
 *
 * <p>Frames go to the gather, which frees them after the flush. What an entry knows goes to the page: dirty to the
 * file, accessed to the page. Counters are added up and applied once a table.
 *
 * <p>A dirty page of a shared file mapping makes the flush happen before the page-table lock is let go: a processor may
 * still write through its old translation, and write-back, which takes that lock to clean entries, must not write the
 * page out before the last such store. See {@code FlushRaceTest}.
 */
public final class Zap {
    private final FaultEnv env;
    private final HugetlbZap hugetlb;

    /** Zapping in the machine of {@code env}. */
    public Zap(FaultEnv env) {
        this.env = env;
        this.hugetlb = new HugetlbZap(env);
    }

    /** Clears {@code [start, end)}, which lies in {@code vma}: all entries, private copies too. */
    @KernelFunction(value = "zap_page_range_single", file = "mm/memory.c")
    @RequiresLock("MMAP_LOCK:read")
    public void zapPageRange(MmStruct mm, Vma vma, long start, long end, MmuGather gather) {
        if (vma.has(VmFlags.HUGETLB)) {
            hugetlb.unmap(vma, start, end, gather);
        } else {
            zapRange(mm, vma, start, end, gather, ZapDetails.ALL);
        }
    }

    /**
     * As {@link #zapPageRange} for a mapping that stays: so do guard pages, and what nonlinear entries say of their
     * page.
     */
    @RequiresLock("MMAP_LOCK:read")
    public void discardPages(MmStruct mm, Vma vma, long start, long end, MmuGather gather) {
        if (vma.has(VmFlags.HUGETLB)) {
            hugetlb.unmap(vma, start, end, gather);
        } else {
            zapRange(mm, vma, start, end, gather, vma.isNonlinear() ? ZapDetails.NONLINEAR_PAGES : ZapDetails.PAGES);
        }
    }

    /**
     * As {@link #zapPageRange}, and with the i_mmap lock of the mapping's file instead of the mmap lock: page tables
     * are freed only after the mapping has been unlinked there. Of a file of huge pages the caller has the
     * HUGETLB_LOCK.
     */
    @KernelFunction(value = "unmap_page_range", file = "mm/memory.c")
    void zapRange(MmStruct mm, Vma vma, long start, long end, MmuGather gather, ZapDetails details) {
        if (vma.has(VmFlags.HUGETLB)) {
            hugetlb.unmapLocked(vma, start, end, gather);
            return;
        }
        PtlGuard guard = new PtlGuard();
        for (long at = start; at < end; ) {
            long next = Math.min(end, (at & Page.PMD_MASK) + Page.PMD_SIZE);
            long pmdEntry = env.tables.walkToPmd(mm.pgd(), at);
            if (pmdEntry >= 0) {
                zapTable(mm, vma, pmdEntry, at, next, gather, details, guard);
            } else {
                next = Math.min(end, env.behindHole(mm.pgd(), at));
            }
            at = next;
        }
    }

    @KernelFunction(value = "zap_pte_range", file = "mm/memory.c")
    private void zapTable(
            MmStruct mm,
            Vma vma,
            long pmdEntry,
            long start,
            long end,
            MmuGather gather,
            ZapDetails details,
            PtlGuard guard) {
        long pte = env.tables.pteOffsetMapLock(mm, pmdEntry, start, guard);
        while (pte == PageTables.HUGE) {
            if (end - start == Page.PMD_SIZE) {
                if (zapHuge(mm, vma, pmdEntry, start, gather, guard)) {
                    return;
                }
            } else {
                env.tables.huge().split(mm, pmdEntry);
            }
            // Split by us, or by reclaim before we had the lock.
            pte = env.tables.pteOffsetMapLock(mm, pmdEntry, start, guard);
        }
        if (pte < 0) {
            return;
        }
        long anon = 0;
        long file = 0;
        long swapped = 0;
        boolean flushNow = false;
        for (long at = start, entryPa = pte; at < end; at += Page.SIZE, entryPa += 8) {
            long entry = env.phys.getLong(entryPa);
            if (Pte.isNone(entry)) {
                continue;
            }
            if (!Pte.isPresent(entry)) {
                swapped += zapNotPresent(vma, entryPa, entry, details);
                continue;
            }
            long pfn = Pte.pfn(entry);
            int flags = Pte.isSpecial(entry) ? -1 : env.flagsIfCounted(pfn);
            if (flags < 0) {
                env.tables.setPte(entryPa, 0);
                gather.flushLater(at, Page.SIZE);
                continue;
            }
            boolean isAnon = (flags & PageFlags.ANON) != 0;
            if (isAnon ? !details.evenCows() : details.nonlinear() && details.spares(env.frames.index(pfn))) {
                continue;
            }
            // The processor may set accessed and dirty until the very moment the entry goes.
            entry = env.tables.ptepGetAndClear(entryPa);
            if (!details.dropMarkers()) {
                keepProtection(vma, entryPa, entry);
            }
            if (isAnon) {
                anon--;
            } else {
                file--;
                flushNow |= passOn(entry, pfn, vma);
            }
            if (details.nonlinear() && env.frames.index(pfn) != vma.pageIndex(at)) {
                env.tables.setPte(entryPa, Pte.file(env.frames.index(pfn)));
            }
            env.rmap.remove(pfn, vma, (flags & PageFlags.ANON_EXCLUSIVE) != 0);
            gather.removePage(pfn, at);
        }
        count(mm, vma, anon, file, swapped);
        if (flushNow) {
            gather.flush();
        }
        env.tables.pteUnmapUnlock(pte, guard);
    }

    /** Clears a whole huge page. @return false when it is not one any more */
    @KernelFunction(value = "zap_huge_pmd", file = "mm/huge_memory.c")
    private boolean zapHuge(MmStruct mm, Vma vma, long pmdEntry, long start, MmuGather gather, PtlGuard guard) {
        if (!env.tables.huge().lock(mm, pmdEntry, guard)) {
            return false;
        }
        long entry = env.tables.ptepGetAndClear(pmdEntry);
        env.tables.huge().dropDeposit(mm, pmdEntry);
        if (Pte.isSpecial(entry)) {
            gather.flushLater(start, Page.PMD_SIZE);
        } else {
            mm.addRss(MmStruct.ANONPAGES, -HugePmd.FRAMES);
            env.rmap.remove(Pte.pfn(entry), vma);
            gather.removePage(Pte.pfn(entry), start, Page.PMD_SIZE);
        }
        guard.close();
        return true;
    }

    /** Tells the file's page what its entry knew; true when stores through old translations must end now. */
    @RequiresLock("PAGE_TABLE_LOCK")
    boolean passOn(long entry, long pfn, Vma vma) {
        boolean dirty = Pte.isDirty(entry);
        if (dirty && env.frames.mapping(pfn) instanceof AddressSpace mapping) {
            mapping.setPageDirty(pfn);
        }
        if (Pte.isYoung(entry) && (vma.flags() & (VmFlags.SEQ_READ | VmFlags.RAND_READ)) == 0) {
            env.frames.lru().markAccessed(pfn);
        }
        return dirty && Pte.isWrite(entry);
    }

    /** Write protection for user space outlives the page in a mapping of a file, which can bring it again. */
    @KernelFunction(value = "pte_install_uffd_wp_if_needed", file = "mm/internal.h")
    private void keepProtection(Vma vma, long entryPa, long entry) {
        if (Pte.isUffdWp(entry) && !vma.isAnonymous() && (vma.flags() & VmFlags.UFFD_WP) != 0) {
            env.tables.setPte(entryPa, Pte.marker(Pte.MARKER_UFFD_WP));
        }
    }

    /** Frees a swap slot's use, or drops a marker or file entry; returns the change of the swap counter. */
    @KernelFunction(value = "zap_nonpresent_ptes", file = "mm/memory.c")
    private long zapNotPresent(Vma vma, long entryPa, long entry, ZapDetails details) {
        boolean marker = Pte.isMarker(entry);
        boolean file = Pte.isFile(entry);
        boolean goes = marker ? dropsMarker(vma, entry, details) : file ? !details.nonlinear() : details.evenCows();
        if (!goes) {
            return 0;
        }
        env.tables.setPte(entryPa, 0);
        if (marker || file) {
            return 0;
        }
        if (!details.dropMarkers()) {
            keepProtection(vma, entryPa, entry);
        }
        env.swap.free(entry);
        return -1;
    }

    private static boolean dropsMarker(Vma vma, long marker, ZapDetails details) {
        if (Pte.isPoisoned(marker)) {
            return details.evenCows();
        }
        return details.dropMarkers() || Pte.isUffdWpMarker(marker) && vma.isAnonymous();
    }

    private static void count(MmStruct mm, Vma vma, long anon, long file, long swapped) {
        if (anon != 0) {
            mm.addRss(MmStruct.ANONPAGES, anon);
        }
        if (file != 0) {
            mm.addRss(FileFault.fileCounter(vma), file);
        }
        if (swapped != 0) {
            mm.addRss(MmStruct.SWAPENTS, swapped);
        }
    }
}
