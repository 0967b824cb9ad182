package faultline.mmu.phys;

import faultline.mmu.lock.LockClass;
import faultline.mmu.lock.LockRank;
import faultline.mmu.lock.SpinLock;

/**
 * Single free frames that some of the threads share (Linux: per_cpu_pages): a stack, last freed first used again, since
 * that one still is in the processor's cache, and a small one of frames that have been cleared already.
 *
 * <p>Frames are cleared {@link #CLEARED} at a time: the stores of one page then overlap with those of the next. Were
 * each cleared when it is wanted, the first locked instruction behind that would wait until its last store has arrived,
 * and the misses of what follows would come on top.
 *
 * <p>All guarded by {@link #lock}; others may read counts to estimate.
 */
final class FrameCache extends CacheLine {
    static final int CAPACITY = 128;
    /** How many frames move between a cache and the free lists at once. */
    static final int BATCH = 64;
    /** How many frames are cleared at once. */
    static final int CLEARED = 16;

    private static final LockClass LOCK_CLASS = new LockClass("frame_cache", LockRank.FRAME_CACHE_LOCK);

    final SpinLock lock = new SpinLock(LOCK_CLASS);
    final long[] pfns = new long[CAPACITY];
    final long[] cleared = new long[CLEARED];
    int count;
    int clearedCount;

    /** Frames that wait to be put on reclaim's lists; hints: see {@link LruVec}. */
    final long[] lruAdd = new long[BATCH];

    int lruCount;

    /** How often the cache was filled from the free lists. */
    long refills;

    /** Whether there is no frame to be had, with any content or {@code cleared}. */
    boolean isEmpty(boolean wantCleared) {
        return count == 0 && (!wantCleared || clearedCount == 0);
    }

    void push(long pfn) {
        pfns[count++] = pfn;
    }

    long pop() {
        return pfns[--count];
    }

    /** Takes a cleared frame, clearing more when there is none. */
    long popCleared(PhysicalMemory memory, FrameTable frames) {
        if (clearedCount == 0) {
            clearSome(memory, frames);
        }
        return cleared[--clearedCount];
    }

    /** Clears frames, in the order in which they will be handed out. */
    private void clearSome(PhysicalMemory memory, FrameTable frames) {
        clearedCount = Math.min(CLEARED, count);
        for (int i = clearedCount - 1; i >= 0; i--) {
            long pfn = pop();
            if (frames.isUsed(pfn)) {
                memory.zero(pfn << Page.SHIFT, Page.SIZE);
            }
            cleared[i] = pfn;
        }
    }

    /**
     * Checks that nobody uses a frame of the cache, or has written to one that counts as clear. @return what is wrong,
     * or null
     */
    String audit(PhysicalMemory memory, FrameTable frames) {
        for (int i = 0; i < count + clearedCount; i++) {
            long pfn = i < count ? pfns[i] : cleared[i - count];
            if (frames.refcount(pfn) != 0 || frames.flags(pfn) != 0) {
                return frames.describe(pfn) + " is in a cache of free frames";
            }
            for (long at = 0; i >= count && at < Page.SIZE; at += 8) {
                if (memory.getLong((pfn << Page.SHIFT) + at) != 0) {
                    return frames.describe(pfn) + " was written to after it was cleared";
                }
            }
        }
        return null;
    }
}
