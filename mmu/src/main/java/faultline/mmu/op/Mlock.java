package faultline.mmu.op;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.fault.FaultContext;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.table.Pte;

/** mlock(2), mlock2(2), munlock(2), mlockall(2), munlockall(2). */
public final class Mlock {
    /** mlock2: lock pages as they are touched. */
    public static final int MLOCK_ONFAULT = 1;

    /** mlockall: what is mapped now; what will be; as it is touched. */
    public static final int MCL_CURRENT = 1;

    public static final int MCL_FUTURE = 2;
    public static final int MCL_ONFAULT = 4;

    private final OpEnv env;

    /** The operation, on the address spaces of one machine. */
    public Mlock(OpEnv env) {
        this.env = env;
    }

    /** Whether locking means anything for the mapping; for others it is silently ignored. */
    @KernelFunction(value = "vma_supports_mlock", file = "mm/internal.h")
    static boolean isLockable(Vma vma) {
        return !vma.hasAny(VmFlags.SPECIAL | VmFlags.HUGETLB | VmFlags.DROPPABLE);
    }

    /** mlock(2): @return 0, -EPERM, -ENOMEM (limit, hole), -EINVAL (wrap), -EAGAIN (no memory) */
    public long mlock(MmStruct mm, FaultContext ctx, long start, long len) {
        return lock(mm, ctx, start, len, VmFlags.LOCKED);
    }

    /** mlock2(2): as mlock; -EINVAL for unknown flags. */
    @KernelFunction(value = "mlock2", file = "mm/mlock.c")
    public long mlock2(MmStruct mm, FaultContext ctx, long start, long len, int flags) {
        if ((flags & ~MLOCK_ONFAULT) != 0) {
            return -Errno.EINVAL;
        }
        return lock(mm, ctx, start, len, flags != 0 ? VmFlags.LOCKED_MASK : VmFlags.LOCKED);
    }

    @KernelFunction(value = "do_mlock", file = "mm/mlock.c")
    private long lock(MmStruct mm, FaultContext ctx, long address, long length, long flags) {
        if (!mm.limits().canDoMlock()) {
            return -Errno.EPERM;
        }
        long len = MmLayout.pageAlign(length + (address & MmLayout.PAGE_SIZE - 1));
        long start = address & MmLayout.PAGE_MASK;
        long error;
        mm.mmapLock().writeLock();
        try {
            error = withinLimit(mm, start, len) ? apply(mm, start, len, flags) : -Errno.ENOMEM;
        } finally {
            mm.mmapLock().writeUnlock();
        }
        if (error != 0) {
            return error;
        }
        return posixError(env.populate.populate(mm, start, len, false, ctx));
    }

    @KernelFunction("__mlock_posix_error_return")
    private static long posixError(int error) {
        return switch (error) {
            case -Errno.EFAULT -> -Errno.ENOMEM;
            case -Errno.ENOMEM -> -Errno.EAGAIN;
            default -> error;
        };
    }

    private static boolean withinLimit(MmStruct mm, long start, long len) {
        if (mm.limits().mayLockUnlimited()) {
            return true;
        }
        long limit = mm.limits().memlock() >>> MmLayout.PAGE_SHIFT;
        long locked = (len >>> MmLayout.PAGE_SHIFT) + mm.lockedVm();
        if (Long.compareUnsigned(locked, limit) > 0) {
            // Parts that are locked already count once.
            locked -= lockedWithin(mm, start, len);
        }
        return Long.compareUnsigned(locked, limit) <= 0;
    }

    @KernelFunction("count_mm_mlocked_page_nr")
    private static long lockedWithin(MmStruct mm, long start, long len) {
        long end = start + len < start ? Long.MAX_VALUE : start + len;
        long pages = 0;
        for (Vma v = mm.vmas().intersection(start, end); v != null && v.start() < end; v = v.next()) {
            if (v.has(VmFlags.LOCKED)) {
                pages += Math.min(end, v.end()) - Math.max(start, v.start()) >>> MmLayout.PAGE_SHIFT;
            }
        }
        return pages;
    }

    /** munlock(2): @return 0, -ENOMEM (hole), -EINVAL (wrap) */
    @KernelFunction(value = "munlock", file = "mm/mlock.c")
    public long munlock(MmStruct mm, long address, long length) {
        long len = MmLayout.pageAlign(length + (address & MmLayout.PAGE_SIZE - 1));
        mm.mmapLock().writeLock();
        try {
            return apply(mm, address & MmLayout.PAGE_MASK, len, 0);
        } finally {
            mm.mmapLock().writeUnlock();
        }
    }

    @KernelFunction(value = "apply_vma_lock_flags", file = "mm/mlock.c")
    @RequiresLock("MMAP_LOCK")
    private long apply(MmStruct mm, long from, long len, long lockFlags) {
        long end = from + len;
        if (Long.compareUnsigned(end, from) < 0) {
            return -Errno.EINVAL;
        }
        long start = from;
        while (start != end) {
            Vma vma = mm.vmas().lookup(start);
            if (vma == null) {
                return -Errno.ENOMEM;
            }
            long to = Math.min(end, vma.end());
            int error = fixup(mm, vma, start, to, vma.flags() & ~VmFlags.LOCKED_MASK | lockFlags);
            if (error != 0) {
                return error;
            }
            start = to;
        }
        return 0;
    }

    @KernelFunction(value = "mlock_fixup", file = "mm/mlock.c")
    private int fixup(MmStruct mm, Vma vma, long start, long end, long newFlags) {
        long oldFlags = vma.flags();
        if (newFlags == oldFlags || !isLockable(vma)) {
            return 0;
        }
        Vma changed = VmaMerge.modifyFlags(vma, start, end, newFlags);
        if (changed == null) {
            return -Errno.ENOMEM;
        }
        long pages = end - start >>> MmLayout.PAGE_SHIFT;
        if ((newFlags & VmFlags.LOCKED) == 0) {
            mm.addLockedVm(-pages);
        } else if ((oldFlags & VmFlags.LOCKED) == 0) {
            mm.addLockedVm(pages);
        }
        changed.setFlags(newFlags);
        if (((newFlags ^ oldFlags) & VmFlags.LOCKED) != 0) {
            new MarkWalk((newFlags & VmFlags.LOCKED) != 0).walk(mm, start, end);
        }
        return 0;
    }

    /** mlockall(2): @return 0, -EINVAL (flags), -EPERM, -ENOMEM (limit) */
    @KernelFunction(value = "mlockall", file = "mm/mlock.c")
    public long mlockall(MmStruct mm, FaultContext ctx, int flags) {
        if (flags == 0 || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) != 0 || flags == MCL_ONFAULT) {
            return -Errno.EINVAL;
        }
        if (!mm.limits().canDoMlock()) {
            return -Errno.EPERM;
        }
        mm.mmapLock().writeLock();
        try {
            boolean fits = (flags & MCL_CURRENT) == 0
                    || mm.limits().mayLockUnlimited()
                    || Long.compareUnsigned(mm.totalVm(), mm.limits().memlock() >>> MmLayout.PAGE_SHIFT) <= 0;
            if (!fits) {
                return -Errno.ENOMEM;
            }
            applyAll(mm, flags);
        } finally {
            mm.mmapLock().writeUnlock();
        }
        if ((flags & MCL_CURRENT) != 0) {
            env.populate.populate(mm, 0, MmLayout.TASK_SIZE, true, ctx);
        }
        return 0;
    }

    /** munlockall(2): @return 0 */
    @KernelFunction(value = "munlockall", file = "mm/mlock.c")
    public long munlockall(MmStruct mm) {
        mm.mmapLock().writeLock();
        try {
            applyAll(mm, 0);
            return 0;
        } finally {
            mm.mmapLock().writeUnlock();
        }
    }

    @KernelFunction(value = "apply_mlockall_flags", file = "mm/mlock.c")
    @RequiresLock("MMAP_LOCK")
    private void applyAll(MmStruct mm, int flags) {
        long wanted = (flags & MCL_ONFAULT) != 0 ? VmFlags.LOCKED_MASK : VmFlags.LOCKED;
        mm.setDefFlags(mm.defFlags() & ~VmFlags.LOCKED_MASK | ((flags & MCL_FUTURE) != 0 ? wanted : 0));
        if ((flags & (MCL_CURRENT | MCL_FUTURE)) == MCL_FUTURE) {
            return;
        }
        long add = (flags & MCL_CURRENT) != 0 ? wanted : 0;
        Vma v = mm.vmas().first();
        while (v != null) {
            long end = v.end();
            // A mapping that cannot be changed for want of memory is passed over, as on Linux.
            fixup(mm, v, v.start(), end, v.flags() & ~VmFlags.LOCKED_MASK | add);
            v = mm.vmas().find(end);
        }
    }

    /** Tells reclaim of the pages that are there; those to come are marked when they are mapped. */
    private final class MarkWalk extends PageTableWalk {
        private final boolean lock;

        MarkWalk(boolean lock) {
            super(env.tables);
            this.lock = lock;
        }

        @Override
        @KernelFunction(value = "mlock_pte_range", file = "mm/mlock.c")
        protected void table(long pte, long addr, long end) {
            for (long a = addr, at = pte; a < end; a += MmLayout.PAGE_SIZE, at += 8) {
                mark(phys.getLong(at));
            }
        }

        @Override
        protected void huge(long pmdEntry, long addr, long end) {
            mark(phys.getLong(pmdEntry));
        }

        private void mark(long entry) {
            long pfn = Pte.pfn(entry);
            FrameTable frames = phys.frames();
            boolean counted = Pte.isPresent(entry)
                    && !Pte.isSpecial(entry)
                    && frames.isValid(pfn)
                    && !frames.test(pfn, PageFlags.RESERVED);
            if (!counted) {
                return;
            }
            if (lock) {
                frames.lru().mlock(frames.head(pfn));
            } else {
                frames.lru().munlock(frames.head(pfn));
            }
        }
    }
}
