package faultline.mmu.view;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.PageFlags;

/** /proc/kpageflags and /proc/kpagecount: 64 bits a frame, by the numbers that {@link PageMap} shows. */
public final class KPageFlags {
    private static final int MMAP = 11;
    private static final int COMPOUND_HEAD = 15;
    private static final int COMPOUND_TAIL = 16;
    private static final int HUGE = 17;
    private static final int NOPAGE = 20;
    private static final int THP = 22;
    private static final int ZERO_PAGE = 24;

    /**
     * Flags of ours, and the numbers of the bits that programs know them by (include/uapi/linux/kernel-page-flags.h).
     */
    private static final int[][] SHOWN = {
        {PageFlags.LOCKED, 0},
        {PageFlags.ERROR, 1},
        {PageFlags.REFERENCED, 2},
        {PageFlags.UPTODATE, 3},
        {PageFlags.DIRTY, 4},
        {PageFlags.LRU, 5},
        {PageFlags.ACTIVE, 6},
        {PageFlags.WRITEBACK, 8},
        {PageFlags.RECLAIM, 9},
        {PageFlags.FREE, 10},
        {PageFlags.ANON, 12},
        {PageFlags.SWAPCACHE, 13},
        {PageFlags.SWAPBACKED, 14},
        {PageFlags.UNEVICTABLE, 18},
        {PageFlags.KSM, 21},
        {PageFlags.TABLE, 26},
        {PageFlags.RESERVED, 32},
        {PageFlags.MLOCKED, 33},
    };

    private KPageFlags() {}

    /** What some frames are used for. @param out receives one word a frame, from {@code first} on */
    @KernelFunction(value = "kpageflags_read", file = "fs/proc/page.c")
    public static void readFlags(FrameTable frames, long first, long[] out) {
        for (int i = 0; i < out.length; i++) {
            out[i] = frames.isValid(first + i) ? stablePageFlags(frames, first + i) : 1L << NOPAGE;
        }
    }

    @KernelFunction(value = "stable_page_flags", file = "fs/proc/page.c")
    private static long stablePageFlags(FrameTable frames, long pfn) {
        long head = frames.head(pfn);
        int flags = frames.flags(head);
        long bits = 0;
        for (int[] pair : SHOWN) {
            bits |= (flags & pair[0]) != 0 ? 1L << pair[1] : 0;
        }
        if (mapcount(frames, pfn) != 0) {
            bits |= 1L << MMAP;
        }
        if ((flags & PageFlags.ZERO) != 0) {
            bits |= 1L << ZERO_PAGE;
        }
        if ((flags & PageFlags.HEAD) != 0) {
            boolean pooled = (flags & PageFlags.HUGETLB) != 0;
            bits |= 1L << (pfn == head ? COMPOUND_HEAD : COMPOUND_TAIL) | 1L << (pooled ? HUGE : THP);
        }
        return bits;
    }

    /** How many page-table entries map some frames. @param out receives one number a frame, from {@code first} on */
    @KernelFunction(value = "kpagecount_read", file = "fs/proc/page.c")
    public static void readCounts(FrameTable frames, long first, long[] out) {
        for (int i = 0; i < out.length; i++) {
            out[i] = frames.isValid(first + i) ? mapcount(frames, first + i) : 0;
        }
    }

    /** A part of a huge page is mapped by entries of its own, or with the whole. */
    private static int mapcount(FrameTable frames, long pfn) {
        int own = frames.mapcount(pfn);
        return own != 0 ? own : frames.mapcount(frames.head(pfn));
    }
}
