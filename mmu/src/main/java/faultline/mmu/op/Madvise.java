package faultline.mmu.op;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.UserfaultEvents;
import faultline.mmu.fault.UserfaultFeatures;
import faultline.mmu.mm.Madv;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;

/**
 * madvise(2).
 *
 * <p>Three kinds of advice: about the mapping (flags, mmap lock alone), about its pages (mmap lock shared), and
 * populating, which takes the lock itself. What each does to each kind of mapping stands in the resource {@code
 * behaviour/madvise.tsv}.
 */
public final class Madvise {
    private final OpEnv env;

    /** The operation, on the address spaces of one machine. */
    public Madvise(OpEnv env) {
        this.env = env;
    }

    /**
     * Applies advice to a range. A hole in it is skipped and reported at the end.
     *
     * @param advice constant of {@link Madv}
     * @return 0 or -errno: -EINVAL (unknown advice, address not on a page, mapping that cannot take it), -ENOMEM
     *     (hole), -EAGAIN (no memory), and what the advice says besides
     */
    @KernelFunction(value = "do_madvise", file = "mm/madvise.c")
    public long run(MmStruct mm, FaultContext ctx, long start, long length, int advice) {
        long len = MmLayout.pageAlign(length);
        long end = start + len;
        if (!isKnown(advice)
                || MmLayout.offsetInPage(start)
                || length != 0 && len == 0
                || Long.compareUnsigned(end, start) < 0) {
            return -Errno.EINVAL;
        }
        if (end == start) {
            return 0;
        }
        if (advice == Madv.POPULATE_READ || advice == Madv.POPULATE_WRITE) {
            return env.populate.faultInRange(mm, start, end, advice == Madv.POPULATE_WRITE, ctx);
        }
        if (advice == Madv.COLLAPSE) {
            return collapse(mm, start, end);
        }
        return concernsPages(advice) ? pages(mm, ctx, start, end, advice) : mappings(mm, start, end, advice);
    }

    @KernelFunction("madvise_behavior_valid")
    private static boolean isKnown(int advice) {
        return advice >= Madv.NORMAL && advice <= Madv.DONTNEED
                || advice >= Madv.FREE && advice <= Madv.COLLAPSE
                || advice == Madv.GUARD_INSTALL
                || advice == Madv.GUARD_REMOVE;
    }

    private static boolean concernsPages(int advice) {
        return switch (advice) {
            case Madv.WILLNEED,
                    Madv.DONTNEED,
                    Madv.DONTNEED_LOCKED,
                    Madv.FREE,
                    Madv.REMOVE,
                    Madv.COLD,
                    Madv.PAGEOUT,
                    Madv.GUARD_INSTALL,
                    Madv.GUARD_REMOVE -> true;
            default -> false;
        };
    }

    /**
     * A sealed mapping's content cannot be thrown away by who could not have written over it; that of a file is in the
     * file.
     */
    @KernelFunction(value = "can_madvise_modify", file = "mm/madvise.c")
    private static boolean mayModify(Vma vma, int advice) {
        if (!vma.has(VmFlags.SEALED) || !vma.isAnonymous() || vma.has(VmFlags.WRITE)) {
            return true;
        }
        return switch (advice) {
            case Madv.FREE,
                    Madv.DONTNEED,
                    Madv.DONTNEED_LOCKED,
                    Madv.REMOVE,
                    Madv.DONTFORK,
                    Madv.WIPEONFORK,
                    Madv.GUARD_INSTALL -> false;
            default -> true;
        };
    }

    // ---- flags of mappings ----

    private long mappings(MmStruct mm, long from, long end, int advice) {
        mm.mmapLock().writeLock();
        try {
            return walkVmas(mm, from, end, (vma, start, to) -> update(vma, start, to, advice));
        } finally {
            mm.mmapLock().writeUnlock();
        }
    }

    @KernelFunction(value = "madvise_update_vma", file = "mm/madvise.c")
    @RequiresLock("MMAP_LOCK")
    private long update(Vma vma, long start, long end, int advice) {
        if (!mayModify(vma, advice)) {
            return -Errno.EPERM;
        }
        long newFlags = newFlags(vma, start, end, advice);
        if (newFlags < 0) {
            return newFlags;
        }
        if (newFlags == vma.flags()) {
            return 0;
        }
        int refused = VmaSplit.mayCutOut(vma, start, end);
        if (refused != 0) {
            return refused;
        }
        Vma changed = VmaMerge.modifyFlags(vma, start, end, newFlags);
        if (changed == null) {
            return -Errno.EAGAIN;
        }
        changed.setFlags(newFlags);
        return 0;
    }

    /** The mapping's flags after the advice, or -errno; flags are never negative. */
    @KernelFunction(value = "madvise_vma_behavior", file = "mm/madvise.c")
    private long newFlags(Vma vma, long start, long end, int advice) {
        long f = vma.flags();
        long sequential = VmFlags.SEQ_READ;
        long random = VmFlags.RAND_READ;
        return switch (advice) {
            case Madv.NORMAL -> f & ~(random | sequential);
            case Madv.SEQUENTIAL -> f & ~random | sequential;
            case Madv.RANDOM -> f & ~sequential | random;
            case Madv.DONTFORK -> f | VmFlags.DONTCOPY;
            case Madv.DOFORK -> (f & VmFlags.IO) != 0 ? -Errno.EINVAL : f & ~VmFlags.DONTCOPY;
            case Madv.WIPEONFORK ->
                vma.file() != null || (f & VmFlags.SHARED) != 0 ? -Errno.EINVAL : f | VmFlags.WIPEONFORK;
            case Madv.KEEPONFORK -> (f & VmFlags.DROPPABLE) != 0 ? -Errno.EINVAL : f & ~VmFlags.WIPEONFORK;
            case Madv.DONTDUMP -> f | VmFlags.DONTDUMP;
            case Madv.DODUMP -> isSpecial(f) || (f & VmFlags.DROPPABLE) != 0 ? -Errno.EINVAL : f & ~VmFlags.DONTDUMP;
            case Madv.HUGEPAGE -> isSpecial(f) ? -Errno.EINVAL : f & ~VmFlags.NOHUGEPAGE | VmFlags.HUGEPAGE;
            case Madv.NOHUGEPAGE -> isSpecial(f) ? -Errno.EINVAL : f & ~VmFlags.HUGEPAGE | VmFlags.NOHUGEPAGE;
            case Madv.MERGEABLE, Madv.UNMERGEABLE -> env.ksm.madvise(vma, start, end, advice == Madv.MERGEABLE);
            default -> throw new IllegalStateException("advice " + advice);
        };
    }

    /** Whether the mapping is none of ordinary memory; one of the pool's huge pages may merely not grow. */
    private static boolean isSpecial(long flags) {
        return (flags & VmFlags.SPECIAL) != 0 && (flags & VmFlags.HUGETLB) == 0;
    }

    // ---- pages ----

    private long pages(MmStruct mm, FaultContext ctx, long from, long end, int advice) {
        mm.mmapLock().readLock();
        try {
            return walkVmas(mm, from, end, (vma, start, to) -> advisePages(mm, vma, start, to, advice, ctx));
        } finally {
            mm.mmapLock().readUnlock();
        }
    }

    @RequiresLock("MMAP_LOCK:read")
    private long advisePages(MmStruct mm, Vma vma, long start, long end, int advice, FaultContext ctx) {
        if (!mayModify(vma, advice)) {
            return -Errno.EPERM;
        }
        PageAdvice change = new PageAdvice(env, vma, start, end);
        long error = change.check(advice);
        if (error != 0) {
            return error;
        }
        if (PageAdvice.takesAway(advice) && UserfaultEvents.wants(vma, UserfaultFeatures.EVENT_REMOVE)) {
            change = afterTelling(mm, vma, start, end, ctx);
            if (change == null) {
                return -Errno.ENOMEM;
            }
        }
        return advice == Madv.REMOVE ? remove(mm, change) : change.apply(advice);
    }

    /**
     * Lets go of the lock to tell a userfaultfd that pages are about to go.
     *
     * @return what is mapped at the start now, up to the same end at most; null when nothing is
     */
    @KernelFunction(value = "madvise_dontneed_free", file = "mm/madvise.c")
    @RequiresLock("MMAP_LOCK:read")
    private PageAdvice afterTelling(MmStruct mm, Vma vma, long start, long end, FaultContext ctx) {
        UserfaultEvents events = new UserfaultEvents();
        events.removing(vma, start, end);
        mm.mmapLock().readUnlock();
        try {
            UserfaultEvents.tell(events, ctx);
        } finally {
            mm.mmapLock().readLock();
        }
        Vma now = mm.vmas().lookup(start);
        return now == null ? null : new PageAdvice(env, now, start, Math.min(end, now.end()));
    }

    /** Punching a hole takes the inode's lock, which is outside the mmap lock's readers: lets go meanwhile. */
    @KernelFunction(value = "madvise_remove", file = "mm/madvise.c")
    @RequiresLock("MMAP_LOCK:read")
    private static long remove(MmStruct mm, PageAdvice change) {
        long error = change.check(Madv.REMOVE);
        if (error != 0) {
            return error;
        }
        PageAdvice.Hole hole = change.hole();
        mm.mmapLock().readUnlock();
        try {
            return hole.punch();
        } finally {
            mm.mmapLock().readLock();
        }
    }

    // ---- huge pages ----

    private long collapse(MmStruct mm, long from, long end) {
        mm.mmapLock().writeLock();
        try {
            return walkVmas(mm, from, end, (vma, start, to) -> new Collapse(env, vma).run(start, to));
        } finally {
            mm.mmapLock().writeUnlock();
        }
    }

    // ---- mappings of a range ----

    /** What is done to the part of a mapping that lies in the range. */
    private interface Visit {
        /** @return 0, or -errno, which ends the walk; the mmap lock is held as before */
        long at(Vma vma, long start, long end);
    }

    /** Goes over all mappings of a range, skips holes, and reports -ENOMEM at the end if there was one. */
    @KernelFunction(value = "madvise_walk_vmas", file = "mm/madvise.c")
    @RequiresLock("MMAP_LOCK:read")
    private static long walkVmas(MmStruct mm, long from, long end, Visit visit) {
        long result = 0;
        long start = from;
        while (Long.compareUnsigned(start, end) < 0) {
            Vma vma = mm.vmas().find(start);
            if (vma == null) {
                return -Errno.ENOMEM;
            }
            if (start < vma.start()) {
                result = -Errno.ENOMEM;
                start = vma.start();
                if (Long.compareUnsigned(start, end) >= 0) {
                    break;
                }
            }
            long to = Math.min(vma.end(), end);
            long error = visit.at(vma, start, to);
            if (error != 0) {
                return error;
            }
            start = to;
        }
        return result;
    }
}
