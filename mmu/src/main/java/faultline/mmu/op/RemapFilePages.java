package faultline.mmu.op;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.fault.FaultContext;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;

/** remap_file_pages(2) as Linux since 4.0 emulates it: by mapping the pages anew. */
public final class RemapFilePages {
    private final OpEnv env;

    public RemapFilePages(OpEnv env) {
        this.env = env;
    }

    /**
     * Lets a part of a shared file mapping show other pages of the file.
     *
     * @param prot must be 0
     * @param pgoff page of the file
     * @param flags MAP_NONBLOCK or 0; others are ignored
     * @return 0 or -EINVAL, -ENOMEM
     */
    @KernelFunction(value = "remap_file_pages", file = "mm/mmap.c")
    public long run(MmStruct mm, FaultContext ctx, long address, long bytes, int prot, long pgoff, int flags) {
        long start = address & MmLayout.PAGE_MASK;
        long size = bytes & MmLayout.PAGE_MASK;
        if (prot != 0
                || Long.compareUnsigned(start + size, start) <= 0
                || Long.compareUnsigned(pgoff + (size >>> MmLayout.PAGE_SHIFT), pgoff) < 0) {
            return -Errno.EINVAL;
        }
        long result;
        boolean populate;
        mm.mmapLock().writeLock();
        try {
            Vma vma = mm.vmas().lookup(start);
            if (vma == null || !vma.has(VmFlags.SHARED) || !coversWhole(vma, start + size)) {
                return -Errno.EINVAL;
            }
            int mapFlags = flags & MmapFlags.NONBLOCK
                    | MmapFlags.SHARED
                    | MmapFlags.FIXED
                    | MmapFlags.POPULATE
                    | (vma.has(VmFlags.LOCKED) ? MmapFlags.LOCKED : 0);
            MmapRequest request =
                    new MmapRequest(env, mm, vma.file(), (int) (vma.flags() & VmFlags.ACCESS_FLAGS), mapFlags);
            result = request.map(start, size, pgoff);
            populate = request.populate();
        } finally {
            mm.mmapLock().writeUnlock();
        }
        if (Errno.isError(result)) {
            return result;
        }
        if (populate) {
            env.populate.populate(mm, start, size, true, ctx);
        }
        return 0;
    }

    /** The range may span mappings that an earlier call has made of one: neighbours of the same file and flags. */
    @RequiresLock("MMAP_LOCK")
    private static boolean coversWhole(Vma first, long end) {
        Vma v = first;
        while (end > v.end()) {
            Vma next = v.next();
            if (next == null
                    || next.start() != v.end()
                    || next.file() != first.file()
                    || next.flags() != first.flags()) {
                return false;
            }
            v = next;
        }
        return true;
    }
}
