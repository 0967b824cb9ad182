package faultline.mmu.view;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.op.PageTableWalk;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.rmap.SwapOps;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.Pte;

/** What the pages of one or more mappings add up to, in bytes; shares are bytes times 4096, as Linux adds them. */
@KernelFunction(value = "mem_size_stats", file = "fs/proc/task_mmu.c")
final class MappingUsage extends PageTableWalk {
    private static final int SHARE_SHIFT = 12;

    private final FrameTable frames;
    private final SwapOps swapOps;
    private Vma vma;
    /** Whether what of a memory file is in swap has been counted for the whole mapping. */
    private boolean sharedSwap;

    long resident;
    long sharedClean;
    long sharedDirty;
    long privateClean;
    long privateDirty;
    long referenced;
    long anonymous;
    long ksm;
    long lazyFree;
    long anonHuge;
    long sharedHugetlb;
    long privateHugetlb;
    long swap;
    long shareSwap;
    long share;
    long shareDirty;
    long shareAnon;
    long shareFile;
    long shareShmem;
    long shareLocked;
    long nonlinear;

    MappingUsage(PageTables tables, SwapOps swapOps) {
        super(tables);
        this.swapOps = swapOps;
        this.frames = tables.memory().frames();
    }

    /** Adds what {@code v} holds. */
    @KernelFunction(value = "smap_gather_stats", file = "fs/proc/task_mmu.c")
    @RequiresLock("MMAP_LOCK:read")
    void add(Vma v) {
        vma = v;
        long before = share;
        addSharedSwap();
        walk(v.mm(), v.start(), v.end());
        if (v.has(VmFlags.LOCKED)) {
            shareLocked += share - before;
        }
    }

    @Override
    @KernelFunction(value = "smaps_pte_entry", file = "fs/proc/task_mmu.c")
    protected void table(long pte, long addr, long end) {
        long at = pte;
        for (long a = addr; a < end; a += MmLayout.PAGE_SIZE, at += 8) {
            long entry = phys.getLong(at);
            if (Pte.isPresent(entry)) {
                if (!Pte.isSpecial(entry) && frames.isValid(Pte.pfn(entry))) {
                    page(Pte.pfn(entry), MmLayout.PAGE_SIZE, Pte.isYoung(entry), Pte.isDirty(entry));
                    outOfOrder(a, frames.index(Pte.pfn(entry)));
                }
            } else if (Pte.isFile(entry)) {
                outOfOrder(a, Pte.fileOffset(entry));
            } else if (Pte.isSwap(entry)) {
                swap += MmLayout.PAGE_SIZE;
                shareSwap += (MmLayout.PAGE_SIZE << SHARE_SHIFT) / Math.max(1, swapOps.users(entry));
            } else if (Pte.isNone(entry)) {
                hole(a, a + MmLayout.PAGE_SIZE);
            }
        }
    }

    /**
     * What is not mapped of shared memory may be in swap: no entry tells, and each mapping that could show it counts it
     * whole.
     */
    @Override
    @KernelFunction(value = "smaps_pte_hole", file = "fs/proc/task_mmu.c")
    protected void hole(long addr, long end) {
        if (!sharedSwap && vma.file() != null && vma.file().mapping() != null) {
            swap += vma.file().mapping().swappedPages(vma.pageIndex(addr), end - addr >>> MmLayout.PAGE_SHIFT)
                    << MmLayout.PAGE_SHIFT;
        }
    }

    /** A mapping that has no copies of its own tells all that is in swap of what it shows. */
    @KernelFunction(value = "shmem_swap_usage", file = "mm/shmem.c")
    private void addSharedSwap() {
        sharedSwap = vma.has(VmFlags.SHARED) || !vma.has(VmFlags.WRITE);
        if (sharedSwap && vma.file() != null && vma.file().mapping() != null) {
            swap += vma.file().mapping().swappedPages(vma.pgoff(), vma.pages()) << MmLayout.PAGE_SHIFT;
        }
    }

    private void outOfOrder(long address, long index) {
        if (vma.isNonlinear() && index != vma.pageIndex(address)) {
            nonlinear += MmLayout.PAGE_SIZE;
        }
    }

    @Override
    protected void huge(long pmdEntry, long addr, long end) {
        long entry = phys.getLongAcquire(pmdEntry);
        if (!Pte.isHuge(entry)) {
            walk(vma.mm(), addr, end); // split meanwhile
            return;
        }
        if (Pte.isSpecial(entry)) {
            return; // zeros, which nobody counts
        }
        if (vma.has(VmFlags.HUGETLB)) {
            hugetlb(entry, end - addr);
            return;
        }
        anonHuge += end - addr;
        page(Pte.pfn(entry), end - addr, Pte.isYoung(entry), Pte.isDirty(entry));
    }

    /** Pages of the pool are no resident memory. */
    @KernelFunction(value = "smaps_hugetlb_range", file = "fs/proc/task_mmu.c")
    private void hugetlb(long entry, long bytes) {
        if (frames.mapcount(Pte.pfn(entry)) > 1) {
            sharedHugetlb += bytes;
        } else {
            privateHugetlb += bytes;
        }
    }

    @KernelFunction(value = "smaps_account", file = "fs/proc/task_mmu.c")
    private void page(long pfn, long bytes, boolean young, boolean dirtyEntry) {
        boolean anon = frames.test(pfn, PageFlags.ANON);
        boolean dirty = dirtyEntry || frames.test(pfn, PageFlags.DIRTY);
        int maps = Math.max(1, frames.mapcount(pfn));
        long part = (bytes << SHARE_SHIFT) / maps;
        resident += bytes;
        share += part;
        if (anon) {
            anonymous += bytes;
            shareAnon += part;
            ksm += frames.test(pfn, PageFlags.KSM) ? bytes : 0;
            if (!dirty && !frames.test(pfn, PageFlags.SWAPBACKED)) {
                lazyFree += bytes;
            }
        } else if (vma.file() != null
                && vma.file().mapping() != null
                && vma.file().mapping().isTmpfs()) {
            shareShmem += part;
        } else {
            shareFile += part;
        }
        if (young || frames.test(pfn, PageFlags.REFERENCED)) {
            referenced += bytes;
        }
        if (dirty) {
            shareDirty += part;
        }
        if (maps > 1) {
            sharedDirty += dirty ? bytes : 0;
            sharedClean += dirty ? 0 : bytes;
        } else {
            privateDirty += dirty ? bytes : 0;
            privateClean += dirty ? 0 : bytes;
        }
    }

    /** A share in bytes. */
    static long bytes(long share) {
        return share >>> SHARE_SHIFT;
    }
}
