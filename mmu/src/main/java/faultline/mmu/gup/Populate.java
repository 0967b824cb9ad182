package faultline.mmu.gup;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.fault.FaultContext;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.Page;

/** Makes ranges present before they are touched: MAP_POPULATE, mlock(2), MADV_POPULATE_READ and _WRITE. */
public final class Populate {
    private final GetUserPages gup;

    /** Populates by way of {@code gup}. */
    public Populate(GetUserPages gup) {
        this.gup = gup;
    }

    /**
     * Makes the pages of one mapping present as its rights ask: private writable ones by write faults, so that later
     * writes do not fault; shared ones by read faults, so that nothing becomes dirty.
     *
     * @return pages done, or -errno for the first
     */
    @KernelFunction(value = "populate_vma_page_range", file = "mm/gup.c")
    @RequiresLock("MMAP_LOCK:read")
    public long populateVma(MmStruct mm, Vma vma, long start, long end, FaultContext ctx) {
        long pages = end - start >>> Page.SHIFT;
        if (vma.has(VmFlags.LOCKONFAULT)) {
            return pages;
        }
        boolean write = (vma.flags() & (VmFlags.WRITE | VmFlags.SHARED)) == VmFlags.WRITE;
        return gup.getUserPages(mm, ctx, start, pages, write, vma.isAccessible(), null, null);
    }

    /**
     * Makes present what of a range is mapped and wants it; the mmap lock is taken here, anew for each mapping.
     *
     * @param ignoreErrors go on behind a mapping that cannot be populated (MAP_POPULATE, mlockall)
     * @return 0 or the first -errno
     */
    @KernelFunction(value = "__mm_populate", file = "mm/gup.c")
    public int populate(MmStruct mm, long start, long len, boolean ignoreErrors, FaultContext ctx) {
        long end = start + len;
        long at = start;
        while (at < end) {
            mm.mmapLock().readLock();
            try {
                Vma vma = mm.vmas().find(at);
                if (vma == null || vma.start() >= end) {
                    return 0;
                }
                long from = Math.max(at, vma.start());
                long to = Math.min(end, vma.end());
                at = to;
                if (vma.hasAny(VmFlags.IO | VmFlags.PFNMAP)) {
                    continue;
                }
                long rc = fully(mm, from, to, ctx);
                if (rc < 0 && !ignoreErrors) {
                    return (int) rc;
                }
            } finally {
                mm.mmapLock().readUnlock();
            }
        }
        return 0;
    }

    private long fully(MmStruct mm, long from, long to, FaultContext ctx) {
        for (long at = from; at < to; ) {
            Vma vma = mm.vmas().lookup(at);
            if (vma == null) {
                return 0; // went while the lock was let go for a page
            }
            long done = populateVma(mm, vma, at, Math.min(to, vma.end()), ctx);
            if (done <= 0) {
                return done;
            }
            at += done << Page.SHIFT;
        }
        return 0;
    }

    /**
     * Faults in a whole range, for reading or for writing, with the mappings' rights (MADV_POPULATE_READ, _WRITE).
     *
     * @return 0; -ENOMEM where nothing is mapped or there is no memory; -EINVAL where the mapping forbids it; -EFAULT
     *     where a fault ends in SIGBUS
     */
    @KernelFunction(value = "faultin_page_range", file = "mm/gup.c")
    public int faultInRange(MmStruct mm, long start, long end, boolean write, FaultContext ctx) {
        for (long at = start; at < end; ) {
            mm.mmapLock().readLock();
            try {
                Vma vma = mm.vmas().find(at);
                if (vma == null || vma.start() > at) {
                    return -Errno.ENOMEM;
                }
                if (vma.hasAny(VmFlags.IO | VmFlags.PFNMAP) || !vma.has(write ? VmFlags.WRITE : VmFlags.READ)) {
                    return -Errno.EINVAL;
                }
                long pages = Math.min(end, vma.end()) - at >>> Page.SHIFT;
                long done = gup.getUserPages(mm, ctx, at, pages, write, false, null, null);
                if (done < 0) {
                    return (int) done;
                }
                at += done << Page.SHIFT;
            } finally {
                mm.mmapLock().readUnlock();
            }
        }
        return 0;
    }
}
