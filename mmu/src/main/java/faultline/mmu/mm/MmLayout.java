package faultline.mmu.mm;

import faultline.mmu.annotation.KernelFunction;

/** Where things lie in a user address space on x86-64 with four-level page tables. */
public final class MmLayout {
    public static final long PAGE_SIZE = 4096;
    public static final int PAGE_SHIFT = 12;
    public static final long PAGE_MASK = -PAGE_SIZE;
    public static final long PMD_SIZE = 1L << 21;

    /**
     * First address no program may map: the last page of the lower half is kept free (Linux: {@code TASK_SIZE_MAX}).
     */
    public static final long TASK_SIZE = 0x7fff_ffff_f000L;
    /** Where the stack ends before it is moved down at random (Linux: {@code STACK_TOP}). */
    public static final long STACK_TOP = TASK_SIZE;

    /** Bottom-up searches begin here (Linux: {@code TASK_UNMAPPED_BASE}). */
    public static final long UNMAPPED_BASE = pageAlign(TASK_SIZE / 3);
    /** Where a position-independent program is loaded (Linux: {@code ELF_ET_DYN_BASE}). */
    public static final long ELF_ET_DYN_BASE = (TASK_SIZE / 3 * 2) & PAGE_MASK;

    /** Random bits of mmap's base (vm.mmap_rnd_bits) on the kernels whose layout is followed. */
    public static final int MMAP_RND_BITS = 28;

    /** Most that the stack is moved down at random: 22 bits of pages, 16 GiB (Linux: {@code STACK_RND_MASK}). */
    public static final long STACK_RND_MASK = 0x3f_ffff;
    /** Most that brk is moved up at random (Linux: {@code arch_randomize_brk}). */
    public static final long BRK_RND = 0x0200_0000;

    private static final long GIB = 1L << 30;
    private static final long MIN_STACK_GAP = 128L << 20;

    private MmLayout() {}

    /** {@code addr} rounded up to a page; wraps to 0 at the end of the address space, as the kernel's macro does. */
    public static long pageAlign(long addr) {
        return addr + PAGE_SIZE - 1 & PAGE_MASK;
    }

    /** Whether {@code addr} is not at the start of a page. */
    public static boolean offsetInPage(long addr) {
        return (addr & PAGE_SIZE - 1) != 0;
    }

    /**
     * The address under which top-down searches place mappings: below the stack's largest size, its random offset and
     * its guard gap, and {@code rnd} lower.
     *
     * @param stackLimit RLIMIT_STACK in bytes; all ones when unlimited
     * @param guardGap vm.stack_guard_gap in bytes
     * @param rnd random offset in bytes, page-aligned; 0 for a fixed layout
     */
    @KernelFunction(value = "mmap_base", file = "arch/x86/mm/mmap.c")
    public static long mmapBase(long stackLimit, long guardGap, long rnd) {
        long pad = (STACK_RND_MASK << PAGE_SHIFT) + guardGap;
        long gap = stackLimit;
        if (Long.compareUnsigned(gap + pad, gap) > 0) {
            gap += pad;
        }
        // The largest gap leaves a sixth of the address space for the stack.
        long gapMax = TASK_SIZE / 6 * 5;
        if (Long.compareUnsigned(gap, MIN_STACK_GAP) < 0) {
            gap = MIN_STACK_GAP;
        } else if (Long.compareUnsigned(gap, gapMax) > 0) {
            gap = gapMax;
        }
        return pageAlign(TASK_SIZE - gap - rnd);
    }

    /** The start of MAP_32BIT's window: its low half-space from 1 GiB on. */
    static final long WINDOW_32BIT_START = GIB;

    /** The end of MAP_32BIT's window. */
    static final long WINDOW_32BIT_END = 2 * GIB;
}
