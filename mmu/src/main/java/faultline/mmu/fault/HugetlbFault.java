package faultline.mmu.fault;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.file.FileAreas;
import faultline.mmu.file.IntervalNode;
import faultline.mmu.hugetlb.HugetlbInode;
import faultline.mmu.hugetlb.HugetlbMapping;
import faultline.mmu.lock.SpinLock;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.rmap.Rmap;
import faultline.mmu.table.Pte;

/**
 * Faults in mappings of huge pages of the pool.
 *
 * <pre>
 *   entry        shared mapping                     private mapping
 *   none         page of the file, or a new one     page of the file, read-only; or a new anonymous one
 *   read-only    write: allowed                     write: allowed if nobody else maps the page, else it is copied
 *   other        accessed and dirty bits
 * </pre>
 *
 * <p>The entry is a PMD entry, or for pages of 1 GiB a PUD entry.
 *
 * <p>The file's lock is held throughout. So nobody else handles a fault in the same place, unmaps it, or takes the page
 * out of the file meanwhile: what was found stays so, and a page taken from the pool is used. See {@code
 * HugetlbRaceTest}.
 */
final class HugetlbFault {
    private final FaultEnv env;
    private final HugetlbZap zap;

    HugetlbFault(FaultEnv env) {
        this.env = env;
        this.zap = new HugetlbZap(env);
    }

    /** @return a set of {@link VmFault} bits; RETRY when the lock is taken and the fault may not wait */
    @KernelFunction(value = "hugetlb_fault", file = "mm/hugetlb.c")
    @RequiresLock("MMAP_LOCK:read")
    int handle(FaultContext ctx) {
        HugetlbInode inode = HugetlbInode.of(ctx.vma);
        if (ctx.mayWait) {
            inode.lock().writeLock();
        } else if (!inode.lock().tryWriteLock()) {
            return VmFault.RETRY;
        }
        try {
            long entry = env.phys.getLongAcquire(ctx.pmdEntry);
            if (Pte.isNone(entry)) {
                ctx.path = FaultPath.HUGETLB;
                return missing(ctx, inode);
            }
            if (ctx.isWrite() && !Pte.isWrite(entry)) {
                return writeProtected(ctx, inode, entry);
            }
            ctx.path = FaultPath.SPURIOUS;
            return allow(ctx, 0, false);
        } finally {
            inode.lock().writeUnlock();
        }
    }

    // ---- nothing there yet

    @KernelFunction(value = "hugetlb_no_page", file = "mm/hugetlb.c")
    private int missing(FaultContext ctx, HugetlbInode inode) {
        Vma vma = ctx.vma;
        long index = indexOf(ctx);
        if (HugetlbMapping.isUnmapped(vma) || inode.isBeyondEnd(index)) {
            return VmFault.SIGBUS;
        }
        boolean shared = vma.has(VmFlags.MAYSHARE);
        long head = inode.find(index);
        boolean anon = head < 0 && !shared;
        if (anon && Rmap.prepare(vma) == null) {
            return VmFault.OOM;
        }
        if (anon) {
            head = inode.allocate(HugetlbMapping.promises(vma), index);
        } else if (head < 0) {
            head = inode.create(index);
        }
        if (head < 0) {
            return VmFault.SIGBUS;
        }
        if (anon) {
            inode.pool().zero(head);
        }
        long entry = Pte.mkYoung(Pte.mkHuge(Pte.of(head, vma.pageProt())));
        if (shared && vma.has(VmFlags.SHARED | VmFlags.WRITE)) {
            entry = Pte.mkWrite(Pte.mkDirty(entry));
        }
        enter(ctx, head, entry, anon, index);
        return ctx.isWrite() && !Pte.isWrite(entry) ? writeProtected(ctx, inode, entry) : 0;
    }

    private void enter(FaultContext ctx, long head, long entry, boolean anon, long index) {
        SpinLock lock = env.tables.pmdLockptr(ctx.mm, ctx.pmdEntry);
        lock.lock();
        if (anon) {
            env.rmap.addNewAnon(head, ctx.vma, index);
        } else {
            env.rmap.addFile(head, ctx.vma);
        }
        ctx.mm.addRss(MmStruct.HUGETLBPAGES, HugetlbInode.of(ctx.vma).pool().frames());
        env.phys.putLongRelease(ctx.pmdEntry, entry);
        lock.unlock();
    }

    private static long indexOf(FaultContext ctx) {
        return ctx.vma.pageIndex(ctx.page & -ctx.vma.ops().pageSize());
    }

    // ---- a page there

    /** Sets accessed and, for a write, dirty; besides what {@code rights} adds. */
    @KernelFunction(value = "set_huge_ptep_maybe_writable", file = "mm/hugetlb.c")
    private int allow(FaultContext ctx, long rights, boolean wrote) {
        SpinLock lock = env.tables.pmdLockptr(ctx.mm, ctx.pmdEntry);
        lock.lock();
        long bits = rights | (ctx.isWrite() ? Pte.ACCESSED | Pte.DIRTY | Pte.SOFT_DIRTY : Pte.ACCESSED);
        long before = env.phys.getAndOrLong(ctx.pmdEntry, bits);
        if ((before & bits) == bits && ctx.isWrite()) {
            // A translation from before the entry allowed this.
            ctx.mm.tlb().flushPage(ctx.page);
        }
        lock.unlock();
        return wrote ? VmFault.WRITE : 0;
    }

    /**
     * Write to a read-only entry of a mapping that may be written. When the pool has no page for a copy, the owner's
     * children lose theirs: the program that reserved the memory is not to die of having forked.
     */
    @KernelFunction(value = "hugetlb_wp", file = "mm/hugetlb.c")
    private int writeProtected(FaultContext ctx, HugetlbInode inode, long entry) {
        Vma vma = ctx.vma;
        long old = Pte.pfn(entry);
        if (vma.has(VmFlags.MAYSHARE) || canReuse(old)) {
            return allow(ctx, Pte.RW, true);
        }
        if (Rmap.prepare(vma) == null) {
            return VmFault.OOM;
        }
        boolean own = HugetlbMapping.isOwner(vma) && env.frames.test(old, PageFlags.ANON);
        long index = indexOf(ctx);
        long fresh = inode.allocate(own ? null : HugetlbMapping.promises(vma), index);
        if (fresh >= 0) {
            copy(ctx, inode, old, fresh, index);
            return VmFault.WRITE;
        }
        if (own) {
            unmapOthers(inode, vma, index, old);
            if (canReuse(old)) {
                return allow(ctx, Pte.RW, true);
            }
        }
        return VmFault.SIGBUS;
    }

    /** Whether no other mapping has the anonymous page: then it is this mapping's own from now on. */
    private boolean canReuse(long head) {
        if (!env.frames.test(head, PageFlags.ANON) || env.frames.mapcount(head) != 1) {
            return false;
        }
        env.frames.set(head, PageFlags.ANON_EXCLUSIVE);
        return true;
    }

    private void copy(FaultContext ctx, HugetlbInode inode, long old, long fresh, long index) {
        inode.pool().copy(old, fresh);
        long size = inode.pool().pageSize();
        long start = ctx.page & -size;
        long entry = Pte.mkWrite(Pte.mkDirty(Pte.mkYoung(Pte.mkHuge(Pte.of(fresh, ctx.vma.pageProt())))));
        SpinLock lock = env.tables.pmdLockptr(ctx.mm, ctx.pmdEntry);
        lock.lock();
        // Gone and flushed before the new one is there: no processor sees old and new at once.
        env.phys.getAndSetLong(ctx.pmdEntry, 0);
        ctx.mm.tlb().flushRange(start, start + size);
        env.rmap.addNewAnon(fresh, ctx.vma, index);
        env.phys.putLongRelease(ctx.pmdEntry, entry);
        env.rmap.remove(old, ctx.vma);
        lock.unlock();
        env.allocator.putPage(old);
    }

    /** Takes the page away from every mapping that has no reservations of its own, and marks those. */
    @KernelFunction(value = "unmap_ref_private", file = "mm/hugetlb.c")
    private void unmapOthers(HugetlbInode inode, Vma owner, long index, long head) {
        FileAreas areas = inode.mapping().areas();
        areas.lock().lock();
        IntervalNode node = areas.first(index, index);
        while (node != null) {
            Vma other = (Vma) node.area();
            if (other != owner && !other.has(VmFlags.MAYSHARE) && !HugetlbMapping.isOwner(other)) {
                long address = other.start() + (index - other.pgoff() << Page.SHIFT);
                if (zap.takeAway(other, address, head)) {
                    HugetlbMapping.markUnmapped(other);
                }
            }
            node = areas.next(node, index, index);
        }
        areas.lock().unlock();
    }
}
