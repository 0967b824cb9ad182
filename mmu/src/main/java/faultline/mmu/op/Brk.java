package faultline.mmu.op;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.UserfaultEvents;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.UnmappedArea;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;

/** brk(2). */
public final class Brk {
    private final OpEnv env;

    /** The operation, on the address spaces of one machine. */
    public Brk(OpEnv env) {
        this.env = env;
    }

    /**
     * Moves the end of the heap to {@code brk}.
     *
     * @return the end of the heap now: {@code brk}, or the old one when it cannot be moved
     */
    @KernelFunction(value = "brk", file = "mm/mmap.c")
    public long run(MmStruct mm, FaultContext ctx, long brk) {
        long oldEnd;
        long newEnd = MmLayout.pageAlign(brk);
        boolean populate;
        UserfaultEvents events;
        mm.mmapLock().writeLock();
        try {
            UserfaultEvents.begin(mm);
            oldEnd = MmLayout.pageAlign(mm.brk());
            if (!move(mm, brk, oldEnd, newEnd)) {
                return mm.brk();
            }
            mm.setBrk(brk);
            populate = newEnd > oldEnd && (mm.defFlags() & VmFlags.LOCKED) != 0;
        } finally {
            events = UserfaultEvents.end(mm);
            mm.mmapLock().writeUnlock();
        }
        UserfaultEvents.tell(events, ctx);
        if (populate) {
            env.populate.populate(mm, oldEnd, newEnd - oldEnd, true, ctx);
        }
        return brk;
    }

    private boolean move(MmStruct mm, long brk, long oldEnd, long newEnd) {
        if (Long.compareUnsigned(brk, mm.startBrk()) < 0 || exceedsDataLimit(mm, brk)) {
            return false;
        }
        if (oldEnd == newEnd) {
            return true;
        }
        return Long.compareUnsigned(brk, mm.brk()) <= 0 ? shrink(mm, oldEnd, newEnd) : grow(mm, oldEnd, newEnd);
    }

    @KernelFunction("check_data_rlimit")
    private static boolean exceedsDataLimit(MmStruct mm, long brk) {
        long limit = mm.limits().data();
        long used = brk - mm.startBrk() + (mm.endData() - mm.startData());
        return limit != MmLimits.INFINITY && Long.compareUnsigned(used, limit) > 0;
    }

    private boolean shrink(MmStruct mm, long oldEnd, long newEnd) {
        Vma heap = mm.vmas().intersection(newEnd, oldEnd);
        return heap != null && Munmap.unmap(env, mm, newEnd, oldEnd - newEnd) == 0;
    }

    private boolean grow(MmStruct mm, long oldEnd, long newEnd) {
        long room = UnmappedArea.get(mm, oldEnd, newEnd - oldEnd, true, 0, MmapFlags.FIXED);
        if (Errno.isError(room) || !mm.mlockFutureOk(mm.defFlags(), newEnd - oldEnd)) {
            return false;
        }
        Vma next = mm.vmas().find(oldEnd);
        if (next != null && newEnd + MmLayout.PAGE_SIZE > next.startGap()) {
            return false;
        }
        return extend(mm, oldEnd, newEnd - oldEnd, 0, mm.startBrk()) == 0;
    }

    /**
     * Maps private anonymous memory at a free place, as the heap and the loader's bss need it.
     *
     * @param extraFlags 0 or {@link VmFlags#EXEC}
     * @param mergeAbove a mapping that ends here or below is not extended: the heap does not grow out of the program's
     *     data
     * @return 0 or -ENOMEM
     */
    @KernelFunction(value = "do_brk_flags", file = "mm/vma.c")
    @RequiresLock("MMAP_LOCK")
    private int extend(MmStruct mm, long addr, long len, long extraFlags, long mergeAbove) {
        long flags = env.ksm.flagsOfNew(mm, extraFlags | VmFlags.DATA_DEFAULT_FLAGS | VmFlags.ACCOUNT | mm.defFlags());
        long pages = len >>> MmLayout.PAGE_SHIFT;
        if (!mm.mayExpand(flags, pages) || mm.vmas().size() > mm.sysctl().maxMapCount) {
            return -Errno.ENOMEM;
        }
        if (mm.commit().charge(pages) != 0) {
            return -Errno.ENOMEM;
        }
        long pgoff = addr >>> MmLayout.PAGE_SHIFT;
        boolean merged = addr > mergeAbove
                && VmaMerge.forNew(mm, addr, addr + len, flags, pgoff, null).expandPrevious() != null;
        if (!merged) {
            Vma heap = VmaSplit.allocate(mm, addr, addr + len, flags, pgoff);
            if (heap == null) {
                mm.commit().uncharge(pages);
                return -Errno.ENOMEM;
            }
            mm.vmas().insert(heap);
        }
        mm.account(flags, pages);
        if ((flags & VmFlags.LOCKED) != 0) {
            mm.addLockedVm(pages);
        }
        return 0;
    }

    /**
     * vm_brk_flags: anonymous memory at a fixed free place for the loader.
     *
     * @param executable whether the memory may be executed
     * @return 0, -EINVAL, or -ENOMEM
     */
    @KernelFunction(value = "vm_brk_flags", file = "mm/mmap.c")
    public int mapAt(MmStruct mm, FaultContext ctx, long addr, long len, boolean executable) {
        long bytes = MmLayout.pageAlign(len);
        if (bytes == 0 && len != 0) {
            return -Errno.ENOMEM;
        }
        if (bytes == 0) {
            return 0;
        }
        boolean populate;
        mm.mmapLock().writeLock();
        try {
            long room = UnmappedArea.get(mm, addr, bytes, true, 0, MmapFlags.FIXED);
            if (Errno.isError(room)) {
                return (int) room;
            }
            int error = Munmap.unmap(env, mm, addr, bytes);
            if (error == 0) {
                error = extend(mm, addr, bytes, executable ? VmFlags.EXEC : 0, 0);
            }
            if (error != 0) {
                return error;
            }
            populate = (mm.defFlags() & VmFlags.LOCKED) != 0;
        } finally {
            mm.mmapLock().writeUnlock();
        }
        if (populate) {
            env.populate.populate(mm, addr, bytes, true, ctx);
        }
        return 0;
    }
}
