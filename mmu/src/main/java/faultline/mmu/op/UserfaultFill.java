package faultline.mmu.op;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.Userfault;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.gup.UserMemory;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.FrameAllocator;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.phys.PhysicalMemory;
import faultline.mmu.rmap.Rmap;

/**
 * The resolving side of userfaultfd: pages put where nothing is, and write protection (UFFDIO_COPY and its kin).
 *
 * <p>A page is made ready without any lock, then entered under the mmap lock, held shared, and the page-table lock, if
 * nothing is there yet: of two who provide one page the second hears EEXIST. Waking is the caller's business. In shared
 * memory the page goes into the object first; a private mapping gets a page of its own, whatever it maps.
 */
@KernelFunction(value = "mfill_atomic", file = "mm/userfaultfd.c")
public final class UserfaultFill {
    /** Both anonymous pages and those of shared memory go to swap. */
    private static final int NEW_PAGE = PageFlags.LRU | PageFlags.SWAPBACKED;

    private enum What {
        COPY,
        ZERO,
        CONTINUE,
        POISON
    }

    private final OpEnv env;
    private final UserMemory user;
    private final PhysicalMemory phys;
    private final FrameAllocator allocator;

    /** The operation, on the address spaces of one machine. */
    public UserfaultFill(OpEnv env, UserMemory user) {
        this.env = env;
        this.user = user;
        this.phys = env.tables.memory();
        this.allocator = phys.allocator();
    }

    /**
     * Puts copies of {@code from}'s pages at {@code dst}.
     *
     * @param from the calling task's address space, in which {@code src} lies
     * @param wp enter them write-protected for user space
     * @return bytes done; or -ENOENT (not in one registered mapping), -EEXIST, -EINVAL, -EFAULT, -ENOMEM of the first
     *     page, -EAGAIN while there is an event about the mappings that nobody has read of
     */
    @KernelFunction(value = "mfill_atomic_copy", file = "mm/userfaultfd.c")
    public long copy(Userfault context, MmStruct from, FaultContext ctx, long dst, long src, long len, boolean wp) {
        return new Request(context, from, ctx, dst, src, len, wp, What.COPY).run();
    }

    /** Puts pages of zeros at {@code dst}. @return as {@link #copy} */
    @KernelFunction(value = "mfill_atomic_zeropage", file = "mm/userfaultfd.c")
    public long zero(Userfault context, long dst, long len) {
        return new Request(context, null, null, dst, 0, len, false, What.ZERO).run();
    }

    /** Maps pages of shared memory that exist already. @return as {@link #copy}; -EFAULT for one that does not exist */
    @KernelFunction(value = "mfill_atomic_continue", file = "mm/userfaultfd.c")
    public long mapExisting(Userfault context, long dst, long len, boolean wp) {
        return new Request(context, null, null, dst, 0, len, wp, What.CONTINUE).run();
    }

    /** Makes pages that are an error to touch. @return as {@link #copy} */
    @KernelFunction(value = "mfill_atomic_poison", file = "mm/userfaultfd.c")
    public long poison(Userfault context, long dst, long len) {
        return new Request(context, null, null, dst, 0, len, false, What.POISON).run();
    }

    /**
     * Protects the pages of a range against writing, or ends that.
     *
     * @return 0, -ENOENT where that is not registered, -ENOMEM, -EAGAIN as {@link #copy}
     */
    @KernelFunction(value = "mwriteprotect_range", file = "mm/userfaultfd.c")
    public long writeProtect(Userfault context, long start, long len, boolean on) {
        MmStruct mm = context.mm();
        long end = start + len;
        mm.mmapLock().readLock();
        try {
            if (context.isChanging()) {
                return -Errno.EAGAIN;
            }
            Vma first = mm.vmas().intersection(start, end);
            if (first == null) {
                return -Errno.ENOENT;
            }
            for (Vma v = first; v != null && v.start() < end; v = v.next()) {
                if (!v.has(VmFlags.UFFD_WP)) {
                    return -Errno.ENOENT;
                }
                long error = new UserfaultProtection(env.tables, v)
                        .apply(Math.max(start, v.start()), Math.min(end, v.end()), on);
                if (error != 0) {
                    return error;
                }
            }
            return 0;
        } finally {
            mm.mmapLock().readUnlock();
        }
    }

    /** One call. */
    private final class Request {
        private final Userfault context;
        private final MmStruct mm;
        private final MmStruct from;
        private final FaultContext ctx;
        private final long dst;
        private final long src;
        private final long len;
        private final boolean wp;
        private final What what;
        private final UserfaultInstall install;

        Request(
                Userfault context,
                MmStruct from,
                FaultContext ctx,
                long dst,
                long src,
                long len,
                boolean wp,
                What what) {
            this.context = context;
            this.mm = context.mm();
            this.from = from;
            this.ctx = ctx;
            this.dst = dst;
            this.src = src;
            this.len = len;
            this.wp = wp;
            this.what = what;
            this.install = new UserfaultInstall(env, mm);
        }

        long run() {
            long done = 0;
            long error = 0;
            while (done < len && error == 0) {
                error = onePage(done);
                if (error == 0) {
                    done += MmLayout.PAGE_SIZE;
                }
            }
            return done > 0 ? done : error;
        }

        private long onePage(long offset) {
            long at = dst + offset;
            mm.mmapLock().readLock();
            try {
                Vma vma = destination(at);
                long error = check(vma);
                if (error != 0) {
                    return error;
                }
                if (what == What.POISON) {
                    return install.poison(vma, at);
                }
                if (what == What.CONTINUE) {
                    return mapPresent(vma, at);
                }
                if (what == What.ZERO && !vma.has(VmFlags.SHARED)) {
                    return install.zeroPage(vma, at);
                }
            } finally {
                mm.mmapLock().readUnlock();
            }
            long fresh = what == What.ZERO ? allocator.allocZeroedPage(NEW_PAGE) : allocator.allocPage(NEW_PAGE);
            long pfn = env.cache().memCgroups().charged(mm.memCgroup(), fresh);
            if (pfn < 0) {
                return -Errno.ENOMEM;
            }
            long error = fillAndEnter(pfn, offset);
            if (error != 0) {
                allocator.putPage(pfn);
            }
            return error;
        }

        @RequiresLock("MMAP_LOCK:read")
        private long check(Vma vma) {
            if (vma == null) {
                return -Errno.ENOENT;
            }
            if (context.isChanging()) {
                return -Errno.EAGAIN;
            }
            boolean wrong = wp && !vma.has(VmFlags.UFFD_WP) || what == What.CONTINUE && vma.file() == null;
            return wrong ? -Errno.EINVAL : 0;
        }

        /** No lock is held while the source is read: it may fault, even into another userfaultfd. */
        private long fillAndEnter(long pfn, long offset) {
            if (what == What.COPY
                    && user.copyFromUser(from, ctx, src + offset, phys.segment(), Page.address(pfn), Page.SIZE) != 0) {
                return -Errno.EFAULT;
            }
            env.cache().instructionCache().flushFrame(pfn);
            long at = dst + offset;
            mm.mmapLock().readLock();
            try {
                Vma vma = destination(at);
                long error = check(vma);
                if (error != 0) {
                    return error;
                }
                return vma.has(VmFlags.SHARED) ? intoObject(vma, at, pfn) : install.frame(vma, at, pfn, false, wp);
            } finally {
                mm.mmapLock().readUnlock();
            }
        }

        /**
         * The registered mapping that holds all that is left of the range. Whatever private mapping is there, be it
         * registered or not, has a family afterwards, which decides what it merges with.
         */
        @KernelFunction(value = "uffd_mfill_lock", file = "mm/userfaultfd.c")
        @RequiresLock("MMAP_LOCK:read")
        private Vma destination(long at) {
            Vma vma = mm.vmas().lookup(at);
            if (vma != null && !vma.hasAny(VmFlags.SHARED | VmFlags.HUGETLB)) {
                Rmap.prepare(vma); // without memory for one, mapping the page says so
            }
            return vma == null || vma.end() < dst + len || vma.userfault() == null ? null : vma;
        }

        @KernelFunction(value = "shmem_mfill_atomic_pte", file = "mm/shmem.c")
        @RequiresLock("MMAP_LOCK:read")
        private long intoObject(Vma vma, long address, long pfn) {
            AddressSpace object = vma.file().mapping();
            long index = vma.pageIndex(address);
            if (index >= object.sizePages()) {
                return -Errno.EFAULT;
            }
            if (object.holdsPage(index)) {
                return -Errno.EEXIST;
            }
            int error = object.insertPage(index, pfn);
            return error != 0 ? error : enterLocked(object, vma, address, pfn, true);
        }

        @KernelFunction(value = "mfill_atomic_pte_continue", file = "mm/userfaultfd.c")
        @RequiresLock("MMAP_LOCK:read")
        private long mapPresent(Vma vma, long address) {
            AddressSpace object = vma.file().mapping();
            long index = vma.pageIndex(address);
            long found =
                    index < object.sizePages() && object.holdsPage(index) ? object.readPage(index, true, false) : -1;
            if (found < 0) {
                return -Errno.EFAULT;
            }
            long pfn = found & ~AddressSpace.WAS_READ;
            long error = enterLocked(object, vma, address, pfn, false);
            if (error != 0) {
                allocator.putPage(pfn);
            }
            return error;
        }

        /**
         * Maps a page of the object with its lock held, if it still is one: truncation may have been faster.
         *
         * @param fresh whether it was put there by this call, and leaves again if it cannot be mapped
         */
        private long enterLocked(AddressSpace object, Vma vma, long address, long pfn, boolean fresh) {
            env.cache().lockPage(pfn);
            try {
                if (phys.frames().mapping(pfn) != object) {
                    return -Errno.EFAULT;
                }
                long error = install.frame(vma, address, pfn, true, wp);
                if (error == 0) {
                    object.setPageDirty(pfn);
                } else if (fresh) {
                    object.removeLocked(pfn);
                }
                return error;
            } finally {
                env.cache().unlockPage(pfn);
            }
        }
    }
}
