package faultline.mmu.op;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.UserfaultEvents;
import faultline.mmu.file.MappedFile;
import faultline.mmu.hugetlb.AnonHugeFile;
import faultline.mmu.hugetlb.HugetlbInode;
import faultline.mmu.hugetlb.HugetlbPool;
import faultline.mmu.mm.DeviceMapping;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.Prot;

/**
 * mmap(2).
 *
 * <p>What each flag does stands in the resource {@code behaviour/mmap.tsv}, checked by {@code BehaviourTableTest}.
 */
public final class Mmap {
    private final OpEnv env;

    /** The operation, on the address spaces of one machine. */
    public Mmap(OpEnv env) {
        this.env = env;
    }

    /**
     * Maps {@code len} bytes.
     *
     * @param ctx the calling task's cursor, for pages that are populated at once
     * @param addr hint, or the place itself with MAP_FIXED
     * @param len bytes, rounded up to pages
     * @param prot {@link Prot} bits; unknown ones are ignored, as Linux does
     * @param flags {@link MmapFlags} bits
     * @param file the open file; null with MAP_ANONYMOUS. The mapping takes a reference of its own
     * @param pgoff page of the file
     * @return the address, or -errno in the order in which Linux finds it
     */
    @KernelFunction(value = "ksys_mmap_pgoff", file = "mm/mmap.c")
    public long doMmap(
            MmStruct mm, FaultContext ctx, long addr, long len, int prot, int flags, MappedFile file, long pgoff) {
        boolean anonymous = (flags & MmapFlags.ANONYMOUS) != 0;
        if (anonymous && (flags & MmapFlags.HUGETLB) != 0) {
            return hugePages(mm, ctx, addr, len, prot, flags, pgoff);
        }
        if (!anonymous && file == null) {
            return -Errno.EBADF;
        }
        if (!anonymous && file.isHugetlb()) {
            MmapRequest request = new MmapRequest(env, mm, file, prot, flags);
            return run(request, mm, ctx, addr, HugetlbInode.of(file).pool().align(len), pgoff);
        }
        if ((flags & MmapFlags.HUGETLB) != 0) {
            return -Errno.EINVAL;
        }
        return run(new MmapRequest(env, mm, anonymous ? null : file, prot, flags), mm, ctx, addr, len, pgoff);
    }

    /** Anonymous memory of huge pages is a nameless file. */
    private long hugePages(MmStruct mm, FaultContext ctx, long addr, long len, int prot, int flags, long pgoff) {
        HugetlbPool pool = env.hugetlb.ofLog2(flags >>> MmapFlags.HUGE_SHIFT & MmapFlags.HUGE_MASK);
        if (pool == null) {
            return -Errno.EINVAL;
        }
        long aligned = pool.align(len);
        AnonHugeFile file = new AnonHugeFile(pool, aligned);
        long result = run(new MmapRequest(env, mm, file, prot, flags), mm, ctx, addr, aligned, pgoff);
        file.put();
        return result;
    }

    /**
     * Maps a device whose mappings are anonymous memory (/dev/zero).
     *
     * @param writable whether the device was opened for writing: a shared mapping of it may else never be written
     * @return as {@link #doMmap}
     */
    @KernelFunction(value = "mmap_zero", file = "drivers/char/mem.c")
    public long zeroDevice(MmStruct mm, FaultContext ctx, long addr, long len, int prot, int flags, boolean writable) {
        if ((flags & MmapFlags.HUGETLB) != 0) {
            return -Errno.EINVAL;
        }
        MmapRequest request = new MmapRequest(env, mm, null, prot, flags | MmapFlags.ANONYMOUS);
        if (!writable) {
            request.setReadOnlyDevice();
        }
        return run(request, mm, ctx, addr, len, 0);
    }

    private long run(MmapRequest request, MmStruct mm, FaultContext ctx, long addr, long len, long pgoff) {
        long result;
        UserfaultEvents events;
        mm.mmapLock().writeLock();
        try {
            UserfaultEvents.begin(mm);
            result = request.map(addr, len, pgoff);
        } finally {
            events = UserfaultEvents.end(mm);
            mm.mmapLock().writeUnlock();
        }
        UserfaultEvents.tell(events, ctx);
        if (!Errno.isError(result) && request.populate()) {
            env.populate.populate(mm, result, MmLayout.pageAlign(len), true, ctx);
        }
        return result;
    }

    /** As {@link #doMmap} for a device, of which {@code pgoff} is the first page; {@code writable} as it was opened. */
    @KernelFunction("ksys_mmap_pgoff")
    public long mapDevice(
            MmStruct mm, long addr, long len, int prot, int flags, DeviceMapping device, boolean writable, long pgoff) {
        MmapRequest request = new MmapRequest(env, mm, null, prot, flags & ~(MmapFlags.ANONYMOUS | MmapFlags.HUGETLB));
        request.ofDevice(device);
        if (!writable) {
            request.setReadOnlyDevice();
        }
        mm.mmapLock().writeLock();
        try {
            return request.map(addr, len, pgoff);
        } finally {
            mm.mmapLock().writeUnlock();
        }
    }
}
