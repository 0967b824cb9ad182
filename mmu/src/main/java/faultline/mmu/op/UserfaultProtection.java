package faultline.mmu.op;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.fault.Userfault;
import faultline.mmu.fault.UserfaultFeatures;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.Pte;

/**
 * Marks entries as write-protected for user space, or takes the mark off: of pages that exist, and where wanted of
 * absent ones.
 */
@KernelFunction(value = "uffd_wp_range", file = "mm/userfaultfd.c")
final class UserfaultProtection extends PageTableWalk {
    private final Vma vma;
    private final FrameTable frames;
    private boolean protect;
    private boolean flush;
    private boolean markers;

    UserfaultProtection(PageTables tables, Vma vma) {
        super(tables);
        this.vma = vma;
        this.frames = tables.memory().frames();
    }

    /**
     * Protects a part of the mapping, or ends that; when this returns no old translation allows writing.
     *
     * @return 0, or -ENOMEM for the tables that markers need
     */
    @RequiresLock("MMAP_LOCK:read")
    long apply(long start, long end, boolean on) {
        protect = on;
        flush = false;
        markers = on && marksAbsent();
        if (markers && !tablesFor(start, end)) {
            return -Errno.ENOMEM;
        }
        walk(vma.mm(), start, end);
        if (flush) {
            vma.mm().tlb().flushRange(start, end);
        }
        return 0;
    }

    /**
     * Pages of a file go and come again, so their protection is kept where they are not; of anonymous memory if asked
     * for.
     */
    @KernelFunction(value = "userfaultfd_wp_use_markers", file = "include/linux/userfaultfd_k.h")
    private boolean marksAbsent() {
        return !vma.isAnonymous() || (((Userfault) vma.userfault()).features() & UserfaultFeatures.WP_UNPOPULATED) != 0;
    }

    @KernelFunction(value = "change_pmd_prepare", file = "mm/mprotect.c")
    private boolean tablesFor(long start, long end) {
        for (long at = start; at < end; at = (at & -MmLayout.PMD_SIZE) + MmLayout.PMD_SIZE) {
            long pud = tables.pudAlloc(vma.mm(), tables.pgdOffset(vma.mm().pgd(), at), at);
            long pmd = pud < 0 ? -1 : tables.pmdAlloc(vma.mm(), pud, at);
            if (pmd < 0 || Pte.isNone(phys.getLongAcquire(pmd)) && tables.pteAlloc(vma.mm(), pmd, at) < 0) {
                return false;
            }
        }
        return true;
    }

    /** Protection is kept in small entries. */
    @Override
    protected boolean splitsHuge(long addr, long end) {
        return true;
    }

    @Override
    @KernelFunction(value = "change_pte_range", file = "mm/mprotect.c")
    protected void table(long pte, long addr, long end) {
        long at = pte;
        for (long a = addr; a < end; a += MmLayout.PAGE_SIZE, at += 8) {
            long old = phys.getLong(at);
            if (Pte.isNone(old) && markers) {
                tables.setPte(at, Pte.marker(Pte.MARKER_UFFD_WP));
                continue;
            }
            if (Pte.isUffdWpMarker(old) && !protect) {
                tables.setPte(at, 0);
                continue;
            }
            if (!Pte.isPresent(old) && !Pte.isSwap(old)) {
                continue;
            }
            // The processor may set accessed and dirty meanwhile: such a change is taken along, not lost.
            long changed = changed(old);
            while (changed != old && !phys.casLong(at, old, changed)) {
                old = phys.getLong(at);
                changed = changed(old);
            }
            flush |= Pte.isWrite(old) && protect && Pte.isPresent(old);
        }
    }

    private long changed(long entry) {
        if (protect) {
            return Pte.mkUffdWp(entry);
        }
        if (!Pte.isUffdWp(entry)) {
            return entry;
        }
        long free = Pte.clearUffdWp(entry);
        return Pte.isPresent(free) && mayWriteAtOnce(free) ? Pte.mkWrite(free) : free;
    }

    private boolean mayWriteAtOnce(long entry) {
        int own = PageFlags.ANON | PageFlags.ANON_EXCLUSIVE;
        return vma.has(VmFlags.WRITE)
                && !Pte.isSpecial(entry)
                && Pte.isDirty(entry)
                && frames.isValid(Pte.pfn(entry))
                && (frames.flags(Pte.pfn(entry)) & own) == own;
    }
}
