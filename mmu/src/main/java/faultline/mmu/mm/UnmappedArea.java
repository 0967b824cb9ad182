package faultline.mmu.mm;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;

/**
 * Finds room for a new mapping as Linux on x86-64 does: top-down from the mapping base, bottom-up when that fails or
 * when MAP_32BIT asks, never inside the guard gap below a stack.
 */
public final class UnmappedArea {
    /** Addresses above this are only given out to programs that ask above it; same as TASK_SIZE with four levels. */
    private static final long DEFAULT_MAP_WINDOW = MmLayout.TASK_SIZE;

    private static final long FOUR_GIB = 1L << 32;

    private UnmappedArea() {}

    /**
     * Where a mapping of {@code len} bytes goes.
     *
     * @param addr hint, or the address itself with MAP_FIXED
     * @param len bytes, a multiple of the page size, not 0
     * @param anonymous whether there is no file behind it
     * @param pgoff page of the file
     * @param flags MAP_* bits; FIXED, BIT32 and ABOVE4G matter
     * @return the address, or -ENOMEM, -EINVAL (fixed and not page-aligned), -EPERM (below vm.mmap_min_addr)
     */
    @KernelFunction(value = "__get_unmapped_area", file = "mm/mmap.c")
    @RequiresLock("MMAP_LOCK")
    public static long get(MmStruct mm, long addr, long len, boolean anonymous, long pgoff, int flags) {
        if (Long.compareUnsigned(len, MmLayout.TASK_SIZE) > 0) {
            return -Errno.ENOMEM;
        }
        long found;
        if (anonymous && addr == 0 && (len & MmLayout.PMD_SIZE - 1) == 0 && mm.sysctl().alignHuge) {
            found = alignedToHugePage(mm, addr, len, flags);
        } else {
            found = search(mm, addr, len, flags);
        }
        return checked(mm, found, len);
    }

    private static long checked(MmStruct mm, long found, long len) {
        if (Errno.isError(found)) {
            return found;
        }
        if (Long.compareUnsigned(found, MmLayout.TASK_SIZE - len) > 0) {
            return -Errno.ENOMEM;
        }
        if (MmLayout.offsetInPage(found)) {
            return -Errno.EINVAL;
        }
        return found < mm.sysctl().mmapMinAddr && !mm.limits().mayMapLow() ? -Errno.EPERM : found;
    }

    /**
     * As {@link #get} for a mapping of huge pages of the pool.
     *
     * @param pageSize of the mapping, in bytes
     * @return the address, a multiple of that; or as {@link #get}, -EINVAL also for a length or a fixed address that
     *     is none
     */
    @KernelFunction(value = "hugetlb_get_unmapped_area", file = "mm/hugetlb.c")
    @RequiresLock("MMAP_LOCK")
    public static long getHuge(MmStruct mm, long addr, long len, int flags, long pageSize) {
        long within = pageSize - 1;
        if (Long.compareUnsigned(len, MmLayout.TASK_SIZE) > 0) {
            return -Errno.ENOMEM;
        }
        if ((len & within) != 0 || (flags & MmapFlags.FIXED) != 0 && (addr & within) != 0) {
            return -Errno.EINVAL;
        }
        if ((flags & MmapFlags.FIXED) != 0) {
            return checked(mm, addr, len);
        }
        long hint = addr + within & ~within;
        if (hint != 0 && Long.compareUnsigned(MmLayout.TASK_SIZE - len, hint) >= 0 && isFree(mm, hint, len)) {
            return checked(mm, hint, len);
        }
        // Room for the mapping wherever in it the boundary is; it takes the end of it that the search comes from.
        long padded = len + pageSize - MmLayout.PAGE_SIZE;
        long found = search(mm, 0, padded, flags);
        if (Errno.isError(found)) {
            return found;
        }
        boolean down = mm.topDown() && (flags & MmapFlags.BIT32) == 0;
        return checked(mm, down ? found + padded - len & ~within : found + within & ~within, len);
    }

    /** Room on a 2 MiB boundary, so that the mapping could be of huge pages; any room when there is none. */
    @KernelFunction(value = "thp_get_unmapped_area_vmflags", file = "mm/huge_memory.c")
    private static long alignedToHugePage(MmStruct mm, long addr, long len, int flags) {
        long padded = len + MmLayout.PMD_SIZE;
        long found = search(mm, addr, padded, flags);
        if (Errno.isError(found)) {
            return search(mm, addr, len, flags);
        }
        if (found == addr) {
            return addr;
        }
        long up = -found & MmLayout.PMD_SIZE - 1;
        if (up == 0 && mm.topDown()) {
            return found + MmLayout.PMD_SIZE;
        }
        return found + up;
    }

    @KernelFunction(value = "mm_get_unmapped_area_vmflags", file = "mm/mmap.c")
    private static long search(MmStruct mm, long addr, long len, int flags) {
        return mm.topDown() ? topDown(mm, addr, len, flags) : bottomUp(mm, addr, len, flags);
    }

    @KernelFunction(value = "arch_get_unmapped_area_topdown", file = "arch/x86/kernel/sys_x86_64.c")
    private static long topDown(MmStruct mm, long addr, long len, int flags) {
        if (Long.compareUnsigned(len, MmLayout.TASK_SIZE) > 0) {
            return -Errno.ENOMEM;
        }
        if ((flags & MmapFlags.FIXED) != 0) {
            return addr;
        }
        if ((flags & MmapFlags.BIT32) != 0) {
            return bottomUp(mm, addr, len, flags);
        }
        if (addr != 0) {
            long hint = addr & MmLayout.PAGE_MASK;
            if (Long.compareUnsigned(MmLayout.TASK_SIZE - len, hint) >= 0 && isFree(mm, hint, len)) {
                return hint;
            }
        }
        long low = (flags & MmapFlags.ABOVE4G) != 0 ? FOUR_GIB : MmLayout.PAGE_SIZE;
        long found = highest(mm, len, low, mm.mmapBase());
        return found >= 0 ? found : bottomUp(mm, addr, len, flags);
    }

    @KernelFunction(value = "arch_get_unmapped_area", file = "arch/x86/kernel/sys_x86_64.c")
    private static long bottomUp(MmStruct mm, long addr, long len, int flags) {
        if ((flags & MmapFlags.FIXED) != 0) {
            return addr;
        }
        boolean low = (flags & MmapFlags.BIT32) != 0;
        long begin = low ? mm.window32Start() : mm.mmapLegacyBase();
        long end = low ? MmLayout.WINDOW_32BIT_END : DEFAULT_MAP_WINDOW;
        if (Long.compareUnsigned(len, end) > 0) {
            return -Errno.ENOMEM;
        }
        if (addr != 0) {
            long hint = MmLayout.pageAlign(addr);
            if (Long.compareUnsigned(end - len, hint) >= 0 && isFree(mm, hint, len)) {
                return hint;
            }
        }
        if ((flags & MmapFlags.ABOVE4G) != 0) {
            begin = Math.max(begin, FOUR_GIB);
        }
        long found = lowest(mm, len, begin, end);
        return found >= 0 ? found : -Errno.ENOMEM;
    }

    /** Whether nothing is mapped in a range nor reserved for a stack above it to grow into. */
    private static boolean isFree(MmStruct mm, long addr, long len) {
        Vma next = mm.vmas().find(addr);
        return next == null || addr + len <= next.startGap();
    }

    @KernelFunction(value = "unmapped_area_topdown", file = "mm/vma.c")
    private static long highest(MmStruct mm, long len, long low, long high) {
        long limit = high;
        while (true) {
            long found = mm.vmas().highestGap(len, low, limit);
            if (found < 0) {
                return found;
            }
            Vma above = mm.vmas().find(found);
            if (above == null || above.startGap() >= found + len) {
                return found;
            }
            limit = above.startGap();
        }
    }

    @KernelFunction(value = "unmapped_area", file = "mm/vma.c")
    private static long lowest(MmStruct mm, long len, long low, long high) {
        long from = low;
        while (true) {
            long found = mm.vmas().lowestGap(len, from, high);
            if (found < 0) {
                return found;
            }
            Vma above = mm.vmas().find(found);
            if (above == null || above.startGap() >= found + len) {
                return found;
            }
            from = above.end();
        }
    }
}
