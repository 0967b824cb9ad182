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
import faultline.mmu.phys.PhysicalMemory;
import faultline.mmu.rmap.Rmap;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.Pte;
import faultline.mmu.table.PtlGuard;

/**
 * The resolving side of userfaultfd: pages put where nothing is, and write protection (UFFDIO_COPY and its kin).
 *
 * <p>A page is made ready without any lock, then entered under the mmap lock, held shared, and the page-table lock, if nothing
 * is there yet: of two who provide one page the second hears EEXIST. Waking is the caller's business. In shared memory
 * the page goes into the object; whoever is woken maps it.
 */
@KernelFunction(value = "mfill_atomic", file = "mm/userfaultfd.c")
public final class UserfaultFill {
    private enum What {
        COPY,
        ZERO,
        POISON
    }

    private final OpEnv env;
    private final UserMemory user;
    private final PhysicalMemory phys;
    private final FrameAllocator allocator;

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
     * @return bytes done; or -ENOENT (not in one registered mapping), -EEXIST, -EINVAL, -EFAULT, -ENOMEM of the first page
     */
    @KernelFunction(value = "mfill_atomic_copy", file = "mm/userfaultfd.c")
    public long copy(Userfault context, MmStruct from, FaultContext ctx, long dst, long src, long len, boolean wp) {
        return new Request(context.mm(), from, ctx, dst, src, len, wp, What.COPY).run();
    }

    /** Puts pages of zeros at {@code dst}. @return as {@link #copy} */
    @KernelFunction(value = "mfill_atomic_zeropage", file = "mm/userfaultfd.c")
    public long zero(Userfault context, long dst, long len) {
        return new Request(context.mm(), null, null, dst, 0, len, false, What.ZERO).run();
    }

    /** Makes pages that are an error to touch. @return as {@link #copy} */
    @KernelFunction(value = "mfill_atomic_poison", file = "mm/userfaultfd.c")
    public long poison(Userfault context, long dst, long len) {
        return new Request(context.mm(), null, null, dst, 0, len, false, What.POISON).run();
    }

    /** Protects the pages of a range against writing, or ends that. @return 0, or -ENOENT where that is not registered */
    @KernelFunction(value = "mwriteprotect_range", file = "mm/userfaultfd.c")
    public long writeProtect(Userfault context, long start, long len, boolean on) {
        MmStruct mm = context.mm();
        long end = start + len;
        mm.mmapLock().readLock();
        try {
            Vma first = mm.vmas().intersection(start, end);
            if (first == null) {
                return -Errno.ENOENT;
            }
            for (Vma v = first; v != null && v.start() < end; v = v.next()) {
                if (!v.has(VmFlags.UFFD_WP)) {
                    return -Errno.ENOENT;
                }
                new UserfaultProtection(env.tables, v).apply(Math.max(start, v.start()), Math.min(end, v.end()), on);
            }
            return 0;
        } finally {
            mm.mmapLock().readUnlock();
        }
    }

    /** One call. */
    private final class Request {
        private final MmStruct mm;
        private final MmStruct from;
        private final FaultContext ctx;
        private final long dst;
        private final long src;
        private final long len;
        private final boolean wp;
        private final What what;
        private final PtlGuard guard = new PtlGuard();

        Request(MmStruct mm, MmStruct from, FaultContext ctx, long dst, long src, long len, boolean wp, What what) {
            this.mm = mm;
            this.from = from;
            this.ctx = ctx;
            this.dst = dst;
            this.src = src;
            this.len = len;
            this.wp = wp;
            this.what = what;
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
            mm.mmapLock().readLock();
            Vma vma;
            try {
                vma = destination(dst + offset);
                if (vma == null) {
                    return -Errno.ENOENT;
                }
                if (wp && !vma.has(VmFlags.UFFD_WP)) {
                    return -Errno.EINVAL;
                }
                boolean needsFrame = what == What.COPY || what == What.ZERO && vma.file() != null;
                if (!needsFrame) {
                    return enter(vma, dst + offset, entryWithoutFrame(vma));
                }
            } finally {
                mm.mmapLock().readUnlock();
            }
            long pfn = what == What.ZERO ? allocator.allocZeroedPage() : allocator.allocPage();
            if (pfn < 0) {
                return -Errno.ENOMEM;
            }
            long error = fillAndEnter(pfn, offset);
            if (error != 0) {
                allocator.putPage(pfn);
            }
            return error;
        }

        private long entryWithoutFrame(Vma vma) {
            return what == What.POISON
                    ? Pte.marker(Pte.MARKER_POISONED)
                    : Pte.mkSpecial(Pte.of(env.faultEnv.zeroPfn(), vma.pageProt()));
        }

        /** No lock is held while the source is read: it may fault, even into another userfaultfd. */
        private long fillAndEnter(long pfn, long offset) {
            if (what == What.COPY
                    && user.copyFromUser(from, ctx, src + offset, phys.segment(), Page.address(pfn), Page.SIZE) != 0) {
                return -Errno.EFAULT;
            }
            env.cache().instructionCache().flushFrame(pfn);
            mm.mmapLock().readLock();
            try {
                Vma vma = destination(dst + offset);
                if (vma == null) {
                    return -Errno.ENOENT;
                }
                return vma.file() != null ? enterObject(vma, dst + offset, pfn) : enterFrame(vma, dst + offset, pfn);
            } finally {
                mm.mmapLock().readUnlock();
            }
        }

        /** The registered mapping that holds all that is left of the range. */
        @KernelFunction(value = "find_dst_vma", file = "mm/userfaultfd.c")
        private Vma destination(long at) {
            Vma vma = mm.vmas().lookup(at);
            return vma == null || vma.end() < dst + len || vma.userfault() == null ? null : vma;
        }

        @KernelFunction(value = "mfill_atomic_install_pte", file = "mm/userfaultfd.c")
        @RequiresLock("MMAP_LOCK:read")
        private long enterFrame(Vma vma, long address, long pfn) {
            Rmap.prepare(vma);
            long entry = Pte.mkYoung(Pte.mkDirty(Pte.of(pfn, vma.pageProt())));
            if (vma.has(VmFlags.WRITE)) {
                entry = Pte.mkWrite(entry);
            }
            long pte = lockEmpty(address);
            if (pte < 0) {
                return pte;
            }
            mm.addRss(MmStruct.ANONPAGES, 1);
            env.faultEnv.rmap().addNewAnon(pfn, vma, vma.pageIndex(address));
            env.tables.setPte(pte, wp ? Pte.mkUffdWp(entry) : entry);
            env.tables.pteUnmapUnlock(pte, guard);
            return 0;
        }

        private long enterObject(Vma vma, long address, long pfn) {
            AddressSpace object = vma.file().mapping();
            long index = vma.pageIndex(address);
            if (index >= object.sizePages()) {
                return -Errno.EFAULT;
            }
            int error = object.insertPage(index, pfn);
            if (error == 0) {
                allocator.putPage(pfn); // the object has a reference of its own
            }
            return error;
        }

        @RequiresLock("MMAP_LOCK:read")
        private long enter(Vma vma, long address, long entry) {
            long pte = lockEmpty(address);
            if (pte < 0) {
                return pte;
            }
            env.tables.setPte(pte, entry);
            env.tables.pteUnmapUnlock(pte, guard);
            return 0;
        }

        /** The address of the entry, its lock held in {@link #guard}; -EEXIST when something is there; -ENOMEM. */
        private long lockEmpty(long address) {
            long pudEntry = env.tables.pudAlloc(mm, env.tables.pgdOffset(mm.pgd(), address), address);
            long pmdEntry = pudEntry < 0 ? -1 : env.tables.pmdAlloc(mm, pudEntry, address);
            long pte = pmdEntry < 0 ? -1 : env.tables.pteAllocMapLock(mm, pmdEntry, address, guard);
            if (pte < 0) {
                return pte == PageTables.HUGE ? -Errno.EEXIST : -Errno.ENOMEM;
            }
            if (Pte.isNone(phys.getLong(pte))) {
                return pte;
            }
            env.tables.pteUnmapUnlock(pte, guard);
            return -Errno.EEXIST;
        }
    }
}
