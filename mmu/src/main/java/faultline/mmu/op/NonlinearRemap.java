package faultline.mmu.op;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.FileEntries;
import faultline.mmu.file.FileAreas;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.tlb.MmuGather;

/**
 * One call of remap_file_pages(2) as Linux did it until 3.19: the mapping stays one, and its page-table entries name
 * the pages.
 *
 * <pre>
 *   mapping    |-------------------------|      pages 0 1 2 3 of the file
 *   entries      0     3     2     1            after remap(page 3 to the second place) and remap(page 1 to the fourth)
 * </pre>
 *
 * <p>The mmap lock is held shared, so that several tasks remap, and fault, at once; alone only where a mapping becomes
 * nonlinear by this call. Before the first entry names a page the mapping must be among the nonlinear ones of its file,
 * or truncation and reclaim would not find what stands out of order.
 */
final class NonlinearRemap {
    private final OpEnv env;
    private final FileEntries entries;
    private final MmStruct mm;
    private final long start;
    private final long end;
    private final long pgoff;

    NonlinearRemap(OpEnv env, MmStruct mm, long start, long size, long pgoff) {
        this.env = env;
        this.entries = new FileEntries(env.faultEnv);
        this.mm = mm;
        this.start = start;
        this.end = start + size;
        this.pgoff = pgoff;
    }

    /** @return 0, -EINVAL, -EPERM (sealed), -ENOMEM */
    @KernelFunction(value = "generic_file_remap_pages", file = "mm/fremap.c")
    long run(int flags, FaultContext ctx) {
        long result;
        boolean populate;
        mm.mmapLock().readLock();
        boolean alone = false;
        try {
            result = check();
            if (result == 0 && becomesNonlinear()) {
                mm.mmapLock().readUnlock();
                mm.mmapLock().writeLock();
                alone = true;
                // Between the locks another task may have changed everything.
                result = check();
                if (result == 0) {
                    makeNonlinear();
                }
            }
            if (result == 0) {
                result = install(ctx);
            }
            populate = result == 0
                    && ((flags & MmapFlags.NONBLOCK) == 0 || firstArea().has(VmFlags.LOCKED));
        } finally {
            if (alone) {
                mm.mmapLock().writeUnlock();
            } else {
                mm.mmapLock().readUnlock();
            }
        }
        if (populate) {
            env.populate.populate(mm, start, end - start, true, ctx);
        }
        return result;
    }

    private Vma firstArea() {
        return mm.vmas().lookup(start);
    }

    /** Whether the range lies in shared mappings of one file, which can be nonlinear. */
    @RequiresLock("MMAP_LOCK:read")
    private long check() {
        Vma vma = firstArea();
        if (!RemapFilePages.mayRemap(vma, end)) {
            return -Errno.EINVAL;
        }
        for (Vma v = vma; v != null && v.start() < end; v = v.next()) {
            if (v.has(VmFlags.SEALED)) {
                return -Errno.EPERM;
            }
            if (v.userfault() != null || v.hasAny(VmFlags.SPECIAL) || v.file().mapping() == null) {
                return -Errno.EINVAL;
            }
        }
        return 0;
    }

    /**
     * The page of the file that {@code v} is to show at its first place within the range, less the page that it shows
     * in order.
     */
    private long shift(Vma v) {
        return pgoff - (v.pgoff() + (start - v.start() >> MmLayout.PAGE_SHIFT));
    }

    private boolean turns(Vma v) {
        return !v.isNonlinear() && shift(v) != 0;
    }

    @RequiresLock("MMAP_LOCK:read")
    private boolean becomesNonlinear() {
        for (Vma v = firstArea(); v != null && v.start() < end; v = v.next()) {
            if (turns(v)) {
                return true;
            }
        }
        return false;
    }

    @RequiresLock("MMAP_LOCK")
    private void makeNonlinear() {
        for (Vma v = firstArea(); v != null && v.start() < end; v = v.next()) {
            if (turns(v)) {
                FileAreas areas = v.file().mapping().areas();
                areas.lock().lock();
                areas.unlinkLocked(v);
                v.setFlags(v.flags() | VmFlags.NONLINEAR);
                areas.linkLocked(v);
                areas.lock().unlock();
            }
        }
    }

    @RequiresLock("MMAP_LOCK:read")
    private long install(FaultContext ctx) {
        MmuGather gather = env.gather(mm, false);
        mm.updateHiwaterRss();
        int error = 0;
        for (Vma v = firstArea(); v != null && v.start() < end && error == 0; v = v.next()) {
            if (v.isNonlinear()) {
                long from = Math.max(start, v.start());
                long first = pgoff + (from - start >>> MmLayout.PAGE_SHIFT);
                error = entries.install(v, from, Math.min(end, v.end()), first, gather, ctx);
            }
        }
        env.finish(gather);
        return error;
    }
}
