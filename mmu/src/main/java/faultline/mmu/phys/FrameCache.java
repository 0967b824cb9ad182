package faultline.mmu.phys;

import faultline.mmu.lock.LockClass;
import faultline.mmu.lock.LockRank;
import faultline.mmu.lock.SpinLock;

/**
 * A stack of single free frames that some of the threads share (Linux: per_cpu_pages), last freed first used again, since that one
 * still is in the processor's cache.
 *
 * <p>{@link #pfns} and {@link #count} are guarded by {@link #lock}; others may read the count to estimate.
 */
final class FrameCache {
    static final int CAPACITY = 128;
    /** How many frames move between a cache and the free lists at once. */
    static final int BATCH = 64;

    private static final LockClass LOCK_CLASS = new LockClass("frame_cache", LockRank.FRAME_CACHE_LOCK);

    final SpinLock lock = new SpinLock(LOCK_CLASS);
    final long[] pfns = new long[CAPACITY];
    volatile int estimate;
    int count;

    void push(long pfn) {
        pfns[count++] = pfn;
    }

    long pop() {
        return pfns[--count];
    }
}
