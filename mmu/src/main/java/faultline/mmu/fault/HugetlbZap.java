package faultline.mmu.fault;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.hugetlb.HugetlbInode;
import faultline.mmu.hugetlb.HugetlbMapping;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.table.Pte;
import faultline.mmu.table.PtlGuard;
import faultline.mmu.tlb.MmuGather;

/**
 * Takes huge pages of the pool out of page tables.
 *
 * <p>A private mapping that loses a page of its own, as by madvise(MADV_DONTNEED), is promised one for the same place
 * again. For that the page has to be back in the pool before the file's lock is let go, or a fault would find the
 * promise and no page.
 */
final class HugetlbZap {
    private final FaultEnv env;

    HugetlbZap(FaultEnv env) {
        this.env = env;
    }

    /** Unmaps a part of a mapping, which begins and ends with huge pages, on behalf of its own address space. */
    @KernelFunction(value = "unmap_hugepage_range", file = "mm/hugetlb.c")
    @RequiresLock("MMAP_LOCK:read")
    void unmap(Vma vma, long start, long end, MmuGather gather) {
        HugetlbInode inode = HugetlbInode.of(vma);
        inode.lock().writeLock();
        try {
            unmapLocked(vma, start, end, gather);
            gather.flush();
        } finally {
            inode.lock().writeUnlock();
        }
    }

    /** As {@link #unmap} for who has the lock: truncation. The gather is flushed before that is let go. */
    @KernelFunction(value = "__unmap_hugepage_range", file = "mm/hugetlb.c")
    @RequiresLock("HUGETLB_LOCK")
    void unmapLocked(Vma vma, long start, long end, MmuGather gather) {
        MmStruct mm = vma.mm();
        PtlGuard guard = new PtlGuard();
        long size = vma.ops().pageSize();
        long at = start;
        while (at < end) {
            long pmdEntry = env.tables.walkToHuge(mm.pgd(), at, size);
            if (pmdEntry < 0) {
                at = env.behindHole(mm.pgd(), at);
                continue;
            }
            if (env.tables.huge().lock(mm, pmdEntry, guard)) {
                clear(vma, pmdEntry, at, gather);
                guard.close();
            }
            at += size;
        }
    }

    @RequiresLock("PAGE_TABLE_LOCK")
    private void clear(Vma vma, long pmdEntry, long address, MmuGather gather) {
        long head = Pte.pfn(env.tables.ptepGetAndClear(pmdEntry));
        vma.mm().addRss(MmStruct.HUGETLBPAGES, -HugetlbInode.of(vma).pool().frames());
        env.rmap.remove(head, vma);
        if (env.frames.test(head, PageFlags.ANON) && env.frames.refcount(head) == 1) {
            HugetlbMapping.restore(vma, vma.pageIndex(address), head);
        }
        gather.removePage(head, address, vma.ops().pageSize());
    }

    /** Unmaps one page if it is {@code head}, which has other users. @return whether it was */
    @RequiresLock({"HUGETLB_LOCK", "I_MMAP_LOCK"})
    boolean takeAway(Vma vma, long address, long head) {
        MmStruct mm = vma.mm();
        PtlGuard guard = new PtlGuard();
        long size = vma.ops().pageSize();
        long pmdEntry = env.tables.walkToHuge(mm.pgd(), address, size);
        if (pmdEntry < 0 || !env.tables.huge().lock(mm, pmdEntry, guard)) {
            return false;
        }
        boolean same = Pte.pfn(env.phys.getLong(pmdEntry)) == head;
        if (same) {
            env.tables.ptepGetAndClear(pmdEntry);
            mm.tlb().flushRange(address, address + size);
            mm.addRss(MmStruct.HUGETLBPAGES, -(size >>> Page.SHIFT));
            env.rmap.remove(head, vma);
        }
        guard.close();
        if (same) {
            env.allocator.putPage(head);
        }
        return same;
    }
}
