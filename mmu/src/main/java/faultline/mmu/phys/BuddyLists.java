package faultline.mmu.phys;

import faultline.mmu.annotation.KernelFunction;
import java.util.Arrays;

/**
 * Free blocks of 2^order frames, each aligned to its size, order 0 to {@link #MAX_ORDER}; neighbours merge when both
 * are free.
 *
 * <p>The lists run through the frame table: in the first frame of a free block the flag FREE is set, the order is the
 * block's, index and private value are the next and previous block (-1 for none). Frames that were never handed out yet
 * stand on no list but above
 * {@link #untouchedFrom}: so starting touches no memory.
 *
 * <p>Not thread-safe: {@link FrameAllocator} holds its lock around each call.
 */
final class BuddyLists {
    static final int MAX_ORDER = 10;
    private static final long NONE = -1;

    private final FrameTable frames;
    private final long[] heads = new long[MAX_ORDER + 1];
    private final long[] blocks = new long[MAX_ORDER + 1];
    private long untouchedFrom;
    private long listed;

    /** @param firstFree frames below are not the allocator's */
    BuddyLists(FrameTable frames, long firstFree) {
        this.frames = frames;
        Arrays.fill(heads, NONE);
        untouchedFrom = firstFree;
    }

    /** Free frames, listed or never touched. */
    long free() {
        return listed + frames.count() - untouchedFrom;
    }

    /** How many free blocks of exactly that order are listed (a column of /proc/buddyinfo). */
    long blocks(int order) {
        return blocks[order];
    }

    /** Takes a block off. @return its first frame, or -1 when there is none that large */
    long take(int order) {
        while (true) {
            for (int found = order; found <= MAX_ORDER; found++) {
                long pfn = heads[found];
                if (pfn != NONE) {
                    unlink(pfn, found);
                    split(pfn, found, order);
                    return pfn;
                }
            }
            if (!listUntouched()) {
                return NONE;
            }
        }
    }

    /**
     * Takes a block larger than any that is listed: the highest in which all frames are free.
     *
     * @param order above {@link #MAX_ORDER}
     * @return its first frame, or -1 when there is none
     */
    @KernelFunction(value = "alloc_contig_range", file = "mm/page_alloc.c")
    long takeContiguous(int order) {
        long size = 1L << order;
        for (long first = frames.count() - size & -size; first > 0; first -= size) {
            if (isFree(first, first + size)) {
                while (untouchedFrom < first + size) {
                    listUntouched();
                }
                for (long pfn = first; pfn < first + size; pfn += 1L << MAX_ORDER) {
                    unlink(pfn, MAX_ORDER);
                }
                return first;
            }
        }
        return NONE;
    }

    private boolean isFree(long from, long to) {
        for (long pfn = from; pfn < to && pfn < untouchedFrom; pfn += 1L << MAX_ORDER) {
            if (!frames.test(pfn, PageFlags.FREE) || frames.order(pfn) != MAX_ORDER) {
                return false;
            }
        }
        return true;
    }

    /** Gives the upper halves back until the block has the order wanted; the lower end is kept. */
    private void split(long pfn, int from, int to) {
        for (int order = from - 1; order >= to; order--) {
            link(pfn + (1L << order), order);
        }
    }

    /** Lists the next largest aligned block of frames never handed out. */
    private boolean listUntouched() {
        if (untouchedFrom >= frames.count()) {
            return false;
        }
        int order = untouchedFrom == 0 ? MAX_ORDER : Math.min(MAX_ORDER, Long.numberOfTrailingZeros(untouchedFrom));
        while (untouchedFrom + (1L << order) > frames.count()) {
            order--;
        }
        long pfn = untouchedFrom;
        untouchedFrom += 1L << order;
        link(pfn, order);
        return true;
    }

    /** Puts a block back, merging it with its neighbours. */
    void give(long pfn, int order) {
        long block = pfn;
        int at = order;
        while (at < MAX_ORDER) {
            long buddy = block ^ 1L << at;
            if (buddy >= untouchedFrom || !frames.test(buddy, PageFlags.FREE) || frames.order(buddy) != at) {
                break;
            }
            unlink(buddy, at);
            block = Math.min(block, buddy);
            at++;
        }
        link(block, at);
    }

    /** Puts adjoining frames back as the largest blocks that they make up. */
    void giveRun(long first, long count) {
        long end = first + count;
        for (long pfn = first; pfn < end; ) {
            int order = Math.min(MAX_ORDER, Long.numberOfTrailingZeros(pfn));
            while (pfn + (1L << order) > end) {
                order--;
            }
            give(pfn, order);
            pfn += 1L << order;
        }
    }

    private void link(long pfn, int order) {
        long next = heads[order];
        frames.initFlags(pfn, PageFlags.FREE);
        frames.setOrder(pfn, order);
        frames.setIndex(pfn, next);
        frames.setPrivateData(pfn, NONE);
        if (next != NONE) {
            frames.setPrivateData(next, pfn);
        }
        heads[order] = pfn;
        blocks[order]++;
        listed += 1L << order;
    }

    private void unlink(long pfn, int order) {
        long next = frames.index(pfn);
        long previous = frames.privateData(pfn);
        if (previous == NONE) {
            heads[order] = next;
        } else {
            frames.setIndex(previous, next);
        }
        if (next != NONE) {
            frames.setPrivateData(next, previous);
        }
        frames.initFlags(pfn, 0);
        frames.setOrder(pfn, 0);
        blocks[order]--;
        listed -= 1L << order;
    }

    /** Checks the lists against the frame table. @return the first violation, or null */
    String audit() {
        long counted = 0;
        for (int order = 0; order <= MAX_ORDER; order++) {
            long previous = NONE;
            long onList = 0;
            for (long pfn = heads[order]; pfn != NONE; pfn = frames.index(pfn)) {
                if (!frames.test(pfn, PageFlags.FREE)
                        || frames.order(pfn) != order
                        || frames.refcount(pfn) != 0
                        || frames.privateData(pfn) != previous
                        || pfn % (1L << order) != 0) {
                    return frames.describe(pfn) + " is on the free list of order " + order;
                }
                previous = pfn;
                onList++;
                counted += 1L << order;
            }
            if (onList != blocks[order]) {
                return onList + " free blocks of order " + order + " are listed, " + blocks[order] + " are counted";
            }
        }
        return counted == listed ? null : counted + " free frames are listed, " + listed + " are counted";
    }
}
