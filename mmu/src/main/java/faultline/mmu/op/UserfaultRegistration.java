package faultline.mmu.op;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.fault.Userfault;
import faultline.mmu.fault.UserfaultEvents;
import faultline.mmu.fault.UserfaultFeatures;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;

/** Which mappings' faults go to user space (UFFDIO_REGISTER, UFFDIO_UNREGISTER, close). */
public final class UserfaultRegistration {
    /** Modes (UFFDIO_REGISTER_MODE). */
    public static final long MODE_MISSING = 1;

    public static final long MODE_WP = 2;
    public static final long MODE_MINOR = 4;

    private static final long UFFD_FLAGS = VmFlags.UFFD_ANY;

    private final OpEnv env;

    /** The operation, on the address spaces of one machine. */
    public UserfaultRegistration(OpEnv env) {
        this.env = env;
    }

    /** What every call with a range checks first. @return 0 or -EINVAL */
    @KernelFunction(value = "validate_range", file = "fs/userfaultfd.c")
    public static long validate(MmStruct mm, long start, long len) {
        boolean bad = MmLayout.offsetInPage(start)
                || MmLayout.offsetInPage(len)
                || len <= 0
                || start < mm.sysctl().mmapMinAddr
                || start >= MmLayout.TASK_SIZE
                || len > MmLayout.TASK_SIZE - start;
        return bad ? -Errno.EINVAL : 0;
    }

    /**
     * Registers what of a range is mapped.
     *
     * @param mode a set of {@link #MODE_MISSING}, {@link #MODE_WP} and {@link #MODE_MINOR}, not empty
     * @return 0; -EINVAL (nothing mapped, a mapping of the wrong kind), -EPERM (may not be written), -EBUSY
     *     (another's), -ENOMEM
     */
    @KernelFunction(value = "userfaultfd_register", file = "fs/userfaultfd.c")
    public long register(Userfault context, long start, long len, long mode) {
        long flags = ((mode & MODE_MISSING) != 0 ? VmFlags.UFFD_MISSING : 0)
                | ((mode & MODE_WP) != 0 ? VmFlags.UFFD_WP : 0)
                | ((mode & MODE_MINOR) != 0 ? VmFlags.UFFD_MINOR : 0);
        MmStruct mm = context.mm();
        long end = start + len;
        mm.mmapLock().writeLock();
        try {
            Vma first = mm.vmas().intersection(start, end);
            if (first == null) {
                return -Errno.EINVAL;
            }
            for (Vma v = first; v != null && v.start() < end; v = v.next()) {
                if (!accepts(v, flags)) {
                    return -Errno.EINVAL;
                }
                if (!v.has(VmFlags.MAYWRITE)) {
                    return -Errno.EPERM;
                }
                if (v.userfault() != null && v.userfault() != context) {
                    return -Errno.EBUSY;
                }
            }
            return change(mm, start, end, flags, context, null);
        } finally {
            mm.mmapLock().writeUnlock();
        }
    }

    /** Ends the registration of a range, and wakes who waits there. @return 0 or -EINVAL, -ENOMEM */
    @KernelFunction(value = "userfaultfd_unregister", file = "fs/userfaultfd.c")
    public long unregister(Userfault context, long start, long len) {
        MmStruct mm = context.mm();
        long end = start + len;
        long result;
        mm.mmapLock().writeLock();
        try {
            Vma first = mm.vmas().intersection(start, end);
            if (first == null) {
                return -Errno.EINVAL;
            }
            for (Vma v = first; v != null && v.start() < end; v = v.next()) {
                if (!accepts(v, 0) || v.userfault() != null && v.userfault() != context) {
                    return -Errno.EINVAL;
                }
            }
            result = change(mm, start, end, 0, null, context);
        } finally {
            mm.mmapLock().writeUnlock();
        }
        context.wake(start, end);
        return result;
    }

    /** The descriptor is closed: faults go the usual way again. */
    @KernelFunction(value = "userfaultfd_release_all", file = "fs/userfaultfd.c")
    public void release(Userfault context) {
        MmStruct mm = context.mm();
        mm.mmapLock().writeLock();
        try {
            change(mm, 0, MmLayout.TASK_SIZE, 0, null, context);
        } finally {
            mm.mmapLock().writeUnlock();
        }
        context.release();
    }

    @KernelFunction(value = "vma_can_userfault", file = "include/linux/userfaultfd_k.h")
    private static boolean accepts(Vma v, long flags) {
        if (v.hasAny(VmFlags.DROPPABLE | VmFlags.HUGETLB | VmFlags.NONLINEAR)) {
            return false;
        }
        if (v.isAnonymous()) {
            return (flags & VmFlags.UFFD_MINOR) == 0;
        }
        return v.file() != null
                && !v.file().hasOwnOperations()
                && v.file().mapping() != null
                && v.file().mapping().isTmpfs();
    }

    /**
     * Gives each mapping of the range the flags and the context.
     *
     * @param only when not null: just the mappings registered with it
     */
    @RequiresLock("MMAP_LOCK")
    private long change(MmStruct mm, long from, long end, long flags, Userfault to, Userfault only) {
        Vma v = mm.vmas().intersection(from, end);
        while (v != null && v.start() < end) {
            long start = Math.max(from, v.start());
            long stop = Math.min(end, v.end());
            // one that is watched for more stays so
            boolean settled = v.userfault() == to && (v.flags() & flags) == flags;
            if (!settled && (only == null || v.userfault() == only)) {
                if (v.has(VmFlags.UFFD_WP) && (flags & VmFlags.UFFD_WP) == 0) {
                    new UserfaultProtection(env.tables, v).apply(start, stop, false);
                }
                long newFlags = v.flags() & ~UFFD_FLAGS | flags;
                Vma changed = VmaMerge.modify(v, start, stop, newFlags, to);
                if (changed == null) {
                    return -Errno.ENOMEM;
                }
                changed.setFlags(newFlags);
                changed.setUserfault(to);
                v = changed;
            }
            v = stop < end ? mm.vmas().intersection(stop, end) : null;
        }
        return 0;
    }

    /**
     * A moved mapping stays registered if whoever registered it hears of the move; it is nobody's to watch otherwise.
     *
     * @param from where it was
     */
    @KernelFunction(value = "mremap_userfaultfd_prep", file = "fs/userfaultfd.c")
    @RequiresLock("MMAP_LOCK")
    static void moved(OpEnv env, Vma copy, long from, long to, long oldLen, long newLen) {
        if (copy.userfault() == null) {
            return;
        }
        if (UserfaultEvents.wants(copy, UserfaultFeatures.EVENT_REMAP)) {
            UserfaultEvents.moved(copy.mm(), (Userfault) copy.userfault(), from, to, oldLen);
            return;
        }
        if (copy.has(VmFlags.UFFD_WP)) {
            new UserfaultProtection(env.tables, copy).apply(to, to + newLen, false);
        }
        copy.setFlags(copy.flags() & ~UFFD_FLAGS);
        copy.setUserfault(null);
    }
}
