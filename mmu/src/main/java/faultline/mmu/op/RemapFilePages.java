package faultline.mmu.op;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.fault.FaultContext;
import faultline.mmu.file.MappedFile;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.RemapMode;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;

/**
 * remap_file_pages(2): as Linux since 4.0 emulates it, by mapping the pages anew, or by {@link NonlinearRemap}.
 *
 * <p>A program sees the same pages either way. What differs:
 *
 * <table>
 * <caption>The two ways</caption>
 * <tr><th></th><th>emulate</th><th>nonlinear</th></tr>
 * <tr><td>mappings</td><td>one more for each run of pages; -ENOMEM beyond vm.max_map_count</td><td>one, whatever the
 * order</td></tr>
 * <tr><td>mremap that grows, or keeps nothing (old_size 0)</td><td>of one of the mappings</td><td>new pages stand in
 * order</td></tr>
 * <tr><td>MADV_REMOVE, MADV_GUARD_INSTALL, userfaultfd, afterwards</td><td>as ever</td><td>-EINVAL</td></tr>
 * <tr><td>page 2<sup>50</sup> and above</td><td>-EOVERFLOW</td><td>-EINVAL: an entry cannot hold it</td></tr>
 * </table>
 */
public final class RemapFilePages {
    /** Pages that an entry can name (Linux: PTE_FILE_MAX_BITS). */
    private static final long FILE_PAGES = 1L << 50;

    private final OpEnv env;
    private final RemapMode mode;

    /** The operation, on the address spaces of one machine, in the way of {@code mode}. */
    public RemapFilePages(OpEnv env, RemapMode mode) {
        this.env = env;
        this.mode = mode;
    }

    /**
     * Lets a part of a shared file mapping show other pages of the file.
     *
     * @param prot must be 0
     * @param pgoff page of the file
     * @param flags MAP_NONBLOCK or 0; others are ignored
     * @return 0 or -EINVAL, -ENOMEM, -EPERM (sealed)
     */
    @KernelFunction(value = "remap_file_pages", file = "mm/mmap.c")
    public long run(MmStruct mm, FaultContext ctx, long address, long bytes, int prot, long pgoff, int flags) {
        long start = address & MmLayout.PAGE_MASK;
        long size = bytes & MmLayout.PAGE_MASK;
        long pages = size >>> MmLayout.PAGE_SHIFT;
        if (prot != 0
                || Long.compareUnsigned(start + size, start) <= 0
                || Long.compareUnsigned(pgoff + pages, pgoff) < 0) {
            return -Errno.EINVAL;
        }
        if (mode == RemapMode.EMULATE) {
            return emulate(mm, ctx, start, size, pgoff, flags);
        }
        return Long.compareUnsigned(pgoff + pages, FILE_PAGES) >= 0
                ? -Errno.EINVAL
                : new NonlinearRemap(env, mm, start, size, pgoff).run(flags, ctx);
    }

    private long emulate(MmStruct mm, FaultContext ctx, long start, long size, long pgoff, int flags) {
        long result;
        boolean populate;
        mm.mmapLock().writeLock();
        try {
            Vma vma = mm.vmas().lookup(start);
            if (!mayRemap(vma, start + size)) {
                return -Errno.EINVAL;
            }
            int mapFlags = flags & MmapFlags.NONBLOCK
                    | MmapFlags.SHARED
                    | MmapFlags.FIXED
                    | MmapFlags.POPULATE
                    | (vma.has(VmFlags.LOCKED) ? MmapFlags.LOCKED : 0);
            MappedFile file = vma.file();
            MmapRequest request = new MmapRequest(env, mm, file, (int) (vma.flags() & VmFlags.ACCESS_FLAGS), mapFlags);
            // What is replaced may be all that is left of shared memory without a name.
            file.get();
            result = request.map(start, size, pgoff);
            file.put();
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

    /**
     * Whether all up to {@code end} is shared memory of one file. The range may span mappings that an earlier call has
     * made of one: neighbours of the same file and flags.
     *
     * @param first the mapping that holds the start of the range, null if there is none
     */
    @RequiresLock("MMAP_LOCK:read")
    static boolean mayRemap(Vma first, long end) {
        if (first == null || !first.has(VmFlags.SHARED) || first.file() == null) {
            return false;
        }
        Vma v = first;
        while (end > v.end()) {
            Vma next = v.next();
            if (next == null
                    || next.start() != v.end()
                    || next.file() != first.file()
                    || ((next.flags() ^ first.flags()) & ~VmFlags.NONLINEAR) != 0) {
                return false;
            }
            v = next;
        }
        return true;
    }
}
