package faultline.mmu.op;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.Pte;

/** Marks the entries of pages that exist as write-protected for user space, or takes the mark off. */
@KernelFunction(value = "uffd_wp_range", file = "mm/userfaultfd.c")
final class UserfaultProtection extends PageTableWalk {
    private final Vma vma;
    private final FrameTable frames;
    private boolean protect;
    private boolean flush;

    UserfaultProtection(PageTables tables, Vma vma) {
        super(tables);
        this.vma = vma;
        this.frames = tables.memory().frames();
    }

    /** Protects a part of the mapping, or ends that; when this returns no old translation allows writing. */
    @RequiresLock("MMAP_LOCK:read")
    void apply(long start, long end, boolean on) {
        protect = on;
        flush = false;
        walk(vma.mm(), start, end);
        if (flush) {
            vma.mm().tlb().flushRange(start, end);
        }
    }

    /** Protection is kept in small entries. */
    @Override
    protected boolean splitsHuge(long addr, long end) {
        return true;
    }

    @Override
    protected void table(long pte, long addr, long end) {
        long at = pte;
        for (long a = addr; a < end; a += MmLayout.PAGE_SIZE, at += 8) {
            long old = phys.getLong(at);
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
