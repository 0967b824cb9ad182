package faultline.mmu.fault;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.hugetlb.HugetlbInode;
import faultline.mmu.lock.SpinLock;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.table.Pte;

/**
 * Gives a forked address space the parent's pages of one mapping, to be copied when either writes.
 *
 * <p>Pages of files are left out where the child can fault them in itself. Anonymous pages are mapped read-only on both
 * sides and belong to nobody alone any more. The parent's translations still allow writing until the caller has flushed
 * them, which it does once for all mappings, before the child can run.
 */
public final class ForkCopy {
    private static final int AGAIN = 1;

    private final FaultEnv env;

    /** Fork in the machine of {@code env}. */
    public ForkCopy(FaultEnv env) {
        this.env = env;
    }

    /**
     * Copies the entries of {@code from} to the equal range of {@code to}.
     *
     * @param to mapping of the child, which nobody else can see yet; of the parent's family if that has one
     * @param from mapping of the parent, whose mmap lock the caller holds alone
     * @param ctx the forking task's cursor
     * @return 0 or -ENOMEM, upon which the caller tears the child down
     */
    @KernelFunction(value = "copy_page_range", file = "mm/memory.c")
    @RequiresLock("MMAP_LOCK")
    public int copyPageRange(Vma to, Vma from, FaultContext ctx) {
        if (!needsCopy(to, from)) {
            return 0;
        }
        if (!from.has(VmFlags.HUGETLB)) {
            return copyRange(to, from, ctx);
        }
        // A truncation that has done the child's mapping already must not have its pages brought there by us.
        HugetlbInode inode = HugetlbInode.of(from);
        inode.lock().writeLock();
        try {
            return copyRange(to, from, ctx);
        } finally {
            inode.lock().writeUnlock();
        }
    }

    private int copyRange(Vma to, Vma from, FaultContext ctx) {
        MmStruct parent = from.mm();
        long step = from.has(VmFlags.HUGETLB) ? from.ops().pageSize() : Page.PMD_SIZE;
        for (long at = from.start(); at < from.end(); ) {
            long next = Math.min(from.end(), (at & -step) + step);
            long pmdEntry = env.tables.walkToHuge(parent.pgd(), at, step);
            if (pmdEntry < 0) {
                next = Math.min(from.end(), env.behindHole(parent.pgd(), at));
            } else if (!Pte.isNone(env.phys.getLongAcquire(pmdEntry))) {
                boolean huge = Pte.isHuge(env.phys.getLongAcquire(pmdEntry));
                int error = huge ? copyHuge(to, from, pmdEntry, at, step) : AGAIN;
                if (error == AGAIN) {
                    error = copyTable(to, from, pmdEntry, at, next, ctx);
                }
                if (error != 0) {
                    return error;
                }
            }
            at = next;
        }
        return 0;
    }

    /** Whether the child could not fault in by itself what the parent sees. */
    @KernelFunction(value = "vma_needs_copy", file = "mm/memory.c")
    private static boolean needsCopy(Vma to, Vma from) {
        return to.hasAny(VmFlags.PFNMAP | VmFlags.MIXEDMAP | VmFlags.UFFD_WP | VmFlags.NONLINEAR)
                || from.anonVma() != null;
    }

    @KernelFunction(value = "copy_pte_range", file = "mm/memory.c")
    private int copyTable(Vma to, Vma from, long sourcePmd, long start, long end, FaultContext ctx) {
        MmStruct child = to.mm();
        long childPmd = childPmd(child, start);
        if (childPmd < 0) {
            return -Errno.ENOMEM;
        }
        long target = env.tables.pteAllocMapLock(child, childPmd, start, ctx.guard);
        if (target < 0) {
            return -Errno.ENOMEM;
        }
        long source = env.tables.pteOffsetMapNested(from.mm(), sourcePmd, start, ctx.guard, ctx.nested);
        copyEntries(to, from, source, target, (int) (end - start >>> Page.SHIFT));
        env.tables.pteUnmapUnlock(source, ctx.nested);
        env.tables.pteUnmapUnlock(target, ctx.guard);
        return 0;
    }

    /**
     * Shares a huge page. The table that the child's entry may need when it is split is laid by now; those of the pool
     * never are.
     *
     * @return 0, -ENOMEM, or AGAIN when reclaim has split it meanwhile
     */
    @KernelFunction(value = "copy_huge_pmd", file = "mm/huge_memory.c")
    private int copyHuge(Vma to, Vma from, long sourcePmd, long address, long size) {
        MmStruct child = to.mm();
        long childPmd = size == Page.PUD_SIZE ? childPud(child, address) : childPmd(child, address);
        boolean pooled = from.has(VmFlags.HUGETLB);
        long table = childPmd < 0 || pooled ? -1 : env.tables.newPteTable();
        if (childPmd < 0 || !pooled && table < 0) {
            return -Errno.ENOMEM;
        }
        SpinLock childLock = env.tables.pmdLockptr(child, childPmd);
        SpinLock sourceLock = env.tables.pmdLockptr(from.mm(), sourcePmd);
        childLock.lock();
        sourceLock.lockNested();
        long entry = env.phys.getLong(sourcePmd);
        boolean stillHuge = Pte.isHuge(entry);
        if (stillHuge) {
            if (!pooled) {
                env.tables.huge().deposit(childPmd, table);
                child.addNrPtes(1);
            }
            if (!Pte.isSpecial(entry)) {
                long head = Pte.pfn(entry);
                env.frames.get(head);
                env.frames.incMapcount(head);
                env.frames.clear(head, PageFlags.ANON_EXCLUSIVE);
                child.addRss(pooled ? MmStruct.HUGETLBPAGES : MmStruct.ANONPAGES, size >>> Page.SHIFT);
            }
            copyPresent(sourcePmd, childPmd, true, to);
        }
        sourceLock.unlock();
        childLock.unlock();
        if (!stillHuge && !pooled) {
            env.tables.freeTable(table);
        }
        return stillHuge ? 0 : AGAIN;
    }

    private long childPud(MmStruct child, long address) {
        return env.tables.pudAlloc(child, env.tables.pgdOffset(child.pgd(), address), address);
    }

    private long childPmd(MmStruct child, long address) {
        long pudEntry = childPud(child, address);
        return pudEntry < 0 ? -1 : env.tables.pmdAlloc(child, pudEntry, address);
    }

    private void copyEntries(Vma to, Vma from, long source, long target, int count) {
        boolean cow = VmFlags.isCow(from.flags());
        long anon = 0;
        long file = 0;
        long swapped = 0;
        for (int i = 0; i < count; i++) {
            long entry = env.phys.getLong(source + 8L * i);
            if (Pte.isNone(entry)) {
                continue;
            }
            if (!Pte.isPresent(entry)) {
                swapped += copyNotPresent(entry, source + 8L * i, target + 8L * i, to);
                continue;
            }
            long pfn = Pte.pfn(entry);
            if (!Pte.isSpecial(entry) && env.isCounted(pfn)) {
                env.frames.get(pfn);
                env.frames.incMapcount(pfn);
                if (env.frames.test(pfn, PageFlags.ANON)) {
                    env.frames.clear(pfn, PageFlags.ANON_EXCLUSIVE);
                    anon++;
                } else {
                    file++;
                }
            }
            copyPresent(source + 8L * i, target + 8L * i, cow, to);
        }
        count(to, anon, file, swapped);
    }

    private void copyPresent(long source, long target, boolean cow, Vma to) {
        long entry = env.phys.getLong(source);
        if (cow && Pte.isWrite(entry)) {
            // Atomically: the parent's other threads go on setting accessed and dirty in the entry.
            env.phys.getAndAndLong(source, ~Pte.RW);
            entry = env.phys.getLong(source);
        }
        if (to.has(VmFlags.SHARED)) {
            entry = Pte.mkClean(entry);
        }
        env.tables.setPte(target, protectionOf(to, Pte.mkOld(entry)));
    }

    /** Write protection for user space ends with fork, unless the child's mapping is registered too. */
    private static long protectionOf(Vma to, long entry) {
        return to.has(VmFlags.UFFD_WP) ? entry : Pte.clearUffdWp(entry);
    }

    /** A swap slot has one user more; markers and file entries of nonlinear mappings are copied as they are. */
    private long copyNotPresent(long entry, long source, long target, Vma to) {
        if (Pte.isFile(entry) || Pte.isMarker(entry)) {
            boolean lost = Pte.isUffdWpMarker(entry) && !to.has(VmFlags.UFFD_WP);
            env.tables.setPte(target, lost ? 0 : entry);
            return 0;
        }
        env.swap.duplicate(entry);
        long shared = Pte.clearSwapExclusive(entry);
        if (shared != entry) {
            env.tables.setPte(source, shared);
        }
        env.tables.setPte(target, protectionOf(to, shared));
        return 1;
    }

    private static void count(Vma to, long anon, long file, long swapped) {
        MmStruct child = to.mm();
        if (anon != 0) {
            child.addRss(MmStruct.ANONPAGES, anon);
        }
        if (file != 0) {
            child.addRss(FileFault.fileCounter(to), file);
        }
        if (swapped != 0) {
            child.addRss(MmStruct.SWAPENTS, swapped);
        }
    }
}
