package faultline.mmu.phys;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import java.util.BitSet;

/** The caches of single free frames in front of the free lists, one for some of the threads each. */
final class FrameCaches {
    private final PhysicalMemory memory;
    private final FrameTable frames;
    private final FreeLists lists;
    private final FrameCache[] caches;
    private final int mask;

    /**
     * @param count how many caches there are at least; with 1, frame numbers depend on nothing but the sequence of
     * calls
     */
    FrameCaches(PhysicalMemory memory, FrameTable frames, FreeLists lists, int count) {
        this.memory = memory;
        this.frames = frames;
        this.lists = lists;
        caches = new FrameCache[Integer.highestOneBit(Math.max(1, 2 * count - 1))];
        for (int i = 0; i < caches.length; i++) {
            caches[i] = new FrameCache();
        }
        mask = caches.length - 1;
    }

    /** The calling thread's: threads started one after the other have different ones. */
    FrameCache mine() {
        return caches[(int) Thread.currentThread().threadId() & mask];
    }

    /**
     * Takes a frame out of a cache, which is filled up when it is empty.
     *
     * @param cleared whether the content must be zeros
     * @param flags what it bears from now on; with LRU it will be put on one of reclaim's lists
     * @return the frame, with one reference; -1 when there is none left but the reserve
     */
    long take(FrameCache cache, boolean cleared, int flags) {
        cache.lock.lock();
        long pfn = -1;
        if (!cache.isEmpty(cleared) || refill(cache)) {
            pfn = cleared ? cache.popCleared(memory, frames) : cache.pop();
            frames.prepare(pfn, flags);
            if ((flags & PageFlags.LRU) != 0) {
                addToLru(cache, pfn);
            }
        }
        cache.lock.unlock();
        return pfn;
    }

    @KernelFunction("folio_batch_add")
    private void addToLru(FrameCache cache, long pfn) {
        cache.lruAdd[cache.lruCount++] = pfn;
        if (cache.lruCount == FrameCache.BATCH) {
            drainLru(cache);
        }
    }

    @KernelFunction("lru_add_drain_cpu")
    @RequiresLock("FRAME_CACHE_LOCK")
    private void drainLru(FrameCache cache) {
        frames.lru().addBatch(cache.lruAdd, cache.lruCount);
        cache.lruCount = 0;
    }

    /** Puts all frames that wait for it on reclaim's lists. */
    @KernelFunction("lru_add_drain_all")
    void drainLru() {
        for (FrameCache cache : caches) {
            cache.lock.lock();
            if (cache.lruCount != 0) {
                drainLru(cache);
            }
            cache.lock.unlock();
        }
    }

    /** Adds the frames that wait to be put on reclaim's lists to {@code found}. */
    void collectLruAdd(BitSet found) {
        for (FrameCache cache : caches) {
            cache.lock.lock();
            for (int i = 0; i < cache.lruCount; i++) {
                if (frames.test(cache.lruAdd[i], PageFlags.LRU)) {
                    found.set((int) cache.lruAdd[i]);
                }
            }
            cache.lock.unlock();
        }
    }

    /** So that frames are handed out in rising order, the highest goes to the bottom. */
    private boolean refill(FrameCache cache) {
        cache.count = lists.takeSingles(cache.pfns, FrameCache.BATCH);
        cache.refills++;
        return cache.count > 0;
    }

    /** Puts a free frame into the calling thread's cache. */
    void give(long pfn) {
        FrameCache cache = mine();
        cache.lock.lock();
        if (cache.count == FrameCache.CAPACITY) {
            spill(cache, FrameCache.BATCH);
        }
        cache.push(pfn);
        cache.lock.unlock();
    }

    /** The first ones go to the calling thread's cache as far as there is room, the others to the lists. */
    void giveMany(long[] pfns, int count) {
        FrameCache cache = mine();
        cache.lock.lock();
        int kept = Math.min(count, FrameCache.CAPACITY - cache.count);
        for (int i = kept - 1; i >= 0; i--) {
            cache.push(pfns[i]);
        }
        cache.lock.unlock();
        lists.giveSingles(pfns, kept, count);
    }

    /** Moves the {@code batch} frames that were freed longest ago from a cache to the lists. */
    private void spill(FrameCache cache, int batch) {
        lists.giveSingles(cache.pfns, 0, batch);
        System.arraycopy(cache.pfns, batch, cache.pfns, 0, cache.count - batch);
        cache.count -= batch;
    }

    /** Returns all frames to the lists, where they merge into larger blocks. */
    @KernelFunction("drain_all_pages")
    void drain() {
        for (FrameCache cache : caches) {
            cache.lock.lock();
            spill(cache, cache.count);
            lists.giveSingles(cache.cleared, 0, cache.clearedCount);
            cache.clearedCount = 0;
            cache.lock.unlock();
        }
    }

    /** Frames in caches. Exact while no other thread allocates or frees. */
    long count() {
        long all = 0;
        for (FrameCache cache : caches) {
            all += cache.count + cache.clearedCount;
        }
        return all;
    }

    /** Checks the caches. @return the first violation, or null */
    String audit() {
        for (FrameCache cache : caches) {
            cache.lock.lock();
            try {
                String wrong = cache.audit(memory, frames);
                if (wrong != null) {
                    return wrong;
                }
            } finally {
                cache.lock.unlock();
            }
        }
        return null;
    }
}
