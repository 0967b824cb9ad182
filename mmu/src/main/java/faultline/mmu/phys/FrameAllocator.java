package faultline.mmu.phys;

import faultline.mmu.annotation.Injectable;
import faultline.mmu.annotation.KernelFunction;
import java.util.BitSet;
import java.util.function.Consumer;

/**
 * Hands out frames: blocks of 2^order from buddy lists, single frames from small caches in front of them.
 *
 * <p>A frame comes with one reference, no flags, no mapping, and undefined content. Frame 0 is never handed out, so
 * that a physical address of 0 always is a mistake.
 *
 * <p>Locks: a cache's, and inside it the lists'. {@link #allocPage} and {@link #allocPages} may reclaim, hence sleep
 * and take locks from the page lock down: the caller holds none of those, only mmap locks.
 */
public final class FrameAllocator {
    /** Largest order: blocks of 4 MiB. */
    public static final int MAX_ORDER = BuddyLists.MAX_ORDER;

    private static final long FIRST_FRAME = 1;
    /** Flags that a frame may still bear when its last reference goes. */
    private static final int FLAGS_AT_RELEASE = PageFlags.LRU | PageFlags.HEAD | PageFlags.MEMCG | PageFlags.KSM;
    /** Flags that tell of a mistake when they stand on a frame being freed (PAGE_FLAGS_CHECK_AT_FREE). */
    private static final int FLAGS_WRONG_AT_FREE = PageFlags.LOCKED
            | PageFlags.LRU
            | PageFlags.SWAPCACHE
            | PageFlags.RESERVED
            | PageFlags.WRITEBACK
            | PageFlags.TAIL
            | PageFlags.FREE
            | PageFlags.TABLE
            | PageFlags.MEMCG;

    private final PhysicalMemory memory;
    private final FrameTable frames;
    private final FreeLists lists;
    private final FrameCaches caches;
    private final DirectReclaim reclaim = new DirectReclaim(this);

    private volatile long peakUsed;
    private volatile FrameRelease cacheRelease;
    private volatile FrameRelease hugetlbRelease;
    private volatile FrameRelease chargeRelease;
    private volatile FrameRelease ksmRelease;

    FrameAllocator(PhysicalMemory memory, FrameTable frames, int cacheCount) {
        this.memory = memory;
        this.frames = frames;
        lists = new FreeLists(frames, FIRST_FRAME);
        caches = new FrameCaches(memory, frames, lists, cacheCount);
        frames.initFlags(0, PageFlags.RESERVED);
        frames.setRefcount(0, 1);
    }

    // ---- taking

    /**
     * Takes one frame, with one reference; its content is undefined. May reclaim.
     *
     * @return the frame, or -1 when there is none
     */
    public long allocPage() {
        return allocOne(false, 0);
    }

    /**
     * As {@link #allocPage()}, bearing {@code flags} ({@link PageFlags}) from the start: setting them later, when
     * others can come across the frame, takes an atomic instruction. With LRU it goes on one of reclaim's lists.
     */
    public long allocPage(int flags) {
        return allocOne(false, flags);
    }

    /** As {@link #allocPage()}, filled with zeros. */
    public long allocZeroedPage() {
        return allocZeroedPage(0);
    }

    /** As {@link #allocPage(int)}, filled with zeros. */
    @KernelFunction("get_zeroed_page")
    public long allocZeroedPage(int flags) {
        return allocOne(true, flags);
    }

    @KernelFunction("alloc_page")
    @Injectable(value = "mm/page/alloc", mayWait = true)
    private long allocOne(boolean zeroed, int flags) {
        long pfn = takeCached(zeroed, flags);
        if (pfn < 0) {
            pfn = reclaim.alloc(0, flags);
            if (zeroed && pfn >= 0 && frames.isUsed(pfn)) {
                memory.zero(pfn << Page.SHIFT, Page.SIZE);
            }
        }
        return pfn;
    }

    /**
     * Takes 2^order adjoining frames, aligned to their size. Only the first has a reference; they are not a compound
     * page, see
     * {@link FrameTable#makeCompound}. May reclaim.
     *
     * @param order 0 to {@link #MAX_ORDER}
     * @return the first frame, or -1 when there is no such block
     */
    @KernelFunction("alloc_pages")
    @Injectable(value = "mm/page/alloc_pages", mayWait = true)
    public long allocPages(int order) {
        if (order < 0 || order > MAX_ORDER) {
            throw new IllegalArgumentException("order " + order);
        }
        if (order == 0) {
            long pfn = takeCached(false, 0);
            return pfn >= 0 ? pfn : reclaim.alloc(0, 0);
        }
        long pfn = takeListed(order, true, 0);
        return pfn >= 0 ? pfn : reclaim.alloc(order, 0);
    }

    /**
     * As {@link #allocPages} without waiting: for huge pages at fault time, which small pages replace when there is
     * none.
     */
    @KernelFunction("__alloc_pages")
    @Injectable("mm/page/alloc_huge")
    public long allocPagesNoReclaim(int order) {
        return takeListed(order, true, 0);
    }

    /**
     * A compound page of 2^order frames filled with zeros, without waiting. Frames that were never used are not
     * touched.
     *
     * @return its head, or -1
     */
    @KernelFunction("vma_alloc_folio")
    public long allocZeroedCompound(int order) {
        long head = allocPagesNoReclaim(order);
        if (head < 0) {
            return -1;
        }
        zeroUsed(head, 1L << order);
        frames.makeCompound(head, order);
        return head;
    }

    /** Fills {@code count} frames with zeros; those that were never used hold the host's zeros, and are not touched. */
    public void zeroUsed(long first, long count) {
        long end = first + count;
        for (long from = first; from < end; ) {
            long to = from;
            while (to < end && frames.isUsed(to)) {
                to++;
            }
            if (to > from) {
                memory.zero(from << Page.SHIFT, to - from << Page.SHIFT);
            }
            from = to + 1;
        }
    }

    /** Says of frames that do not come back here that their content may be anything. */
    public void markUsed(long first, long count) {
        for (long pfn = first; pfn < first + count; pfn++) {
            frames.setUsed(pfn);
        }
    }

    /**
     * Takes 2^order adjoining frames as {@link #allocPages} does, of an order above {@link #MAX_ORDER}: what is in use
     * is not moved out of the way, nor reclaimed for it.
     *
     * @return the first frame, or -1 when there is no such block
     */
    @KernelFunction("alloc_contig_pages")
    @Injectable("mm/page/alloc_contig")
    public long allocContiguous(int order) {
        drainCaches();
        return takeListed(order, true, 0);
    }

    private long takeCached(boolean zeroed, int flags) {
        FrameCache cache = caches.mine();
        long refills = cache.refills;
        long pfn = caches.take(cache, zeroed, flags);
        if (cache.refills != refills) {
            noteUse();
            if (lists.isLow()) {
                reclaim.wake();
            }
        }
        return pfn;
    }

    /** A block from the lists. @return its first frame; -1 when there is none, or none but the reserve */
    long takeListed(int order, boolean keepReserve, int flags) {
        long pfn = order > MAX_ORDER ? lists.takeContiguous(order, keepReserve) : lists.take(order, keepReserve);
        if (pfn >= 0) {
            noteUse();
            frames.prepare(pfn, flags);
            for (long tail = pfn + 1; tail < pfn + (1L << order); tail++) {
                frames.prepareTail(tail);
            }
            if ((flags & PageFlags.LRU) != 0) {
                frames.lru().add(pfn);
            }
        }
        return pfn;
    }

    private void noteUse() {
        long used = frames.count() - freeFrames();
        if (used > peakUsed) {
            peakUsed = used;
        }
    }

    // ---- giving back

    /** Drops a reference; the frame, or the compound page it is part of, is freed with the last one. */
    @KernelFunction("put_page")
    public void putPage(long pfn) {
        if (frames.put(pfn)) {
            freeUnreferenced(frames.head(pfn));
        } else {
            leftReferenced(pfn);
        }
    }

    /**
     * A reference was dropped that was not the last. When the one left is the swap cache's, and no entry stands for the
     * slot any more, nobody can ever want the page: it goes. The counterpart of {@code free_swap_cache}.
     */
    public void leftReferenced(long pfn) {
        if (frames.test(pfn, PageFlags.SWAPCACHE) && frames.refcount(pfn) == 1) {
            FrameRelease hook = cacheRelease;
            if (hook != null) {
                hook.release(pfn);
            }
        }
    }

    /**
     * Frees a frame whose last reference the caller has dropped ({@link FrameTable#put} returned true, or
     * {@link FrameTable#freezeRefcount} succeeded).
     *
     * @param pfn a single frame or the head of a compound page
     */
    @KernelFunction("free_unref_page")
    public void freeUnreferenced(long pfn) {
        int order = 0;
        if (frames.test(pfn, FLAGS_AT_RELEASE)) {
            if (frames.test(pfn, PageFlags.LRU)) {
                frames.lru().release(pfn);
            }
            if (frames.test(pfn, PageFlags.HUGETLB)) {
                hugetlbRelease.release(pfn);
                return;
            }
            if (frames.test(pfn, PageFlags.KSM)) {
                ksmRelease.release(pfn);
            }
            if (frames.test(pfn, PageFlags.MEMCG)) {
                chargeRelease.release(pfn);
            }
            if (frames.test(pfn, PageFlags.HEAD)) {
                order = frames.order(pfn);
                frames.splitCompound(pfn, 0);
            }
        }
        freeChecked(pfn, order);
    }

    /**
     * As {@link #freeUnreferenced(long)} for many at once: the locks are taken once for hundreds of frames, and not for
     * each.
     *
     * @param pfns single frames or heads of compound pages; used as room to work in
     */
    @KernelFunction("free_unref_folios")
    public void freeUnreferenced(long[] pfns, int count) {
        frames.lru().release(pfns, count);
        int singles = 0;
        for (int i = 0; i < count; i++) {
            long pfn = pfns[i];
            if (frames.test(pfn, FLAGS_AT_RELEASE)) {
                freeUnreferenced(pfn);
            } else {
                clearOne(pfn);
                pfns[singles++] = pfn;
            }
        }
        caches.giveMany(pfns, singles);
    }

    /** One of many: probes of the name see each frame that is freed, whichever way it goes. */
    @KernelFunction("free_unref_page")
    private void clearOne(long pfn) {
        frames.clearForFree(pfn, FLAGS_WRONG_AT_FREE);
    }

    /**
     * Frees a block taken with {@link #allocPages} or {@link #allocContiguous}. The caller has the only reference.
     *
     * @throws IllegalStateException when others have references, or the frame is in use otherwise
     */
    @KernelFunction("__free_pages")
    public void freePages(long pfn, int order) {
        if (!frames.freezeRefcount(pfn, 1)) {
            throw frames.bad("is freed with other references to it", pfn);
        }
        freeChecked(pfn, order);
    }

    private void freeChecked(long first, int order) {
        for (long pfn = first; pfn < first + (1L << order); pfn++) {
            if (frames.test(pfn, FLAGS_WRONG_AT_FREE) || frames.mapcount(pfn) != 0 || frames.refcount(pfn) != 0) {
                throw frames.bad("is freed while it is in use", pfn);
            }
            frames.setMapping(pfn, null);
            frames.setUsed(pfn);
            frames.initFlags(pfn, 0);
        }
        if (order == 0) {
            caches.give(first);
        } else if (order > MAX_ORDER) {
            lists.giveContiguous(first, order);
        } else {
            lists.give(first, order);
        }
    }

    /** Returns all cached frames to the lists, where they merge into larger blocks. */
    public void drainCaches() {
        caches.drain();
    }

    /** Puts all frames that wait for it on reclaim's lists: those of the last allocations. */
    public void drainLru() {
        caches.drainLru();
    }

    /**
     * Checks reclaim's lists, and what waits to be put there.
     *
     * @param report told of each difference
     * @return the frames that are on a list or wait for it
     */
    public BitSet auditLru(Consumer<String> report) {
        BitSet listed = frames.lru().audit(report);
        caches.collectLruAdd(listed);
        return listed;
    }

    // ---- counts and plugs

    /** Whether a block of 2^order frames could be had now, of what is free and not kept in reserve. */
    public boolean hasFree(int order) {
        drainCaches();
        long pfn = lists.take(order, true);
        if (pfn >= 0) {
            lists.give(pfn, order);
        }
        return pfn >= 0;
    }

    /** Frames that are free, cached ones included. Exact while no other thread allocates or frees. */
    @KernelFunction("nr_free_pages")
    public long freeFrames() {
        return lists.free() + caches.count();
    }

    /** Frames that can be allocated at all. */
    public long managedFrames() {
        return frames.count() - FIRST_FRAME;
    }

    /** Most frames that ever were in use at once, the reserved one included; to within one batch (64) a cache. */
    public long peakUsed() {
        return peakUsed;
    }

    /**
     * How many free blocks of an order there are (/proc/buddyinfo), cached single frames and untouched memory not
     * counted.
     */
    public long freeBlocks(int order) {
        return lists.blocks(order);
    }

    /**
     * Plugs in who frees frames when they run out, and keeps a reserve for it.
     *
     * @param newReclaim null for none: then an allocation that finds nothing fails at once
     */
    public void setReclaim(FrameReclaim newReclaim) {
        reclaim.set(newReclaim);
        // Linux keeps about 4*sqrt(16 * KiB of memory) KiB: 4 MiB of 1 GiB.
        long min = (long) Math.sqrt(16.0 * (memory.size() >>> 10)) >>> 2;
        min = newReclaim == null ? 0 : Math.min(min, frames.count() / 64);
        lists.setWatermarks(min, newReclaim == null ? 0 : min + min / 2 + FrameCache.BATCH);
    }

    /** Frames kept for reclaim itself and for callers that cannot wait. */
    @KernelFunction("min_wmark_pages")
    public long minWatermark() {
        return lists.minWatermark();
    }

    /** Below this many free frames the background reclaimer should work, until {@link #highWatermark}. */
    @KernelFunction("low_wmark_pages")
    public long lowWatermark() {
        return lists.lowWatermark();
    }

    /** Free frames at which background reclaim rests. */
    @KernelFunction("high_wmark_pages")
    public long highWatermark() {
        return 2 * lists.lowWatermark() - lists.minWatermark();
    }

    /** Plugs in the pool that compound pages with {@link PageFlags#HUGETLB} go back to. */
    public void setHugetlbRelease(FrameRelease newRelease) {
        hugetlbRelease = newRelease;
    }

    /** Plugs in who knows frames with {@link PageFlags#KSM}; it clears the flag. */
    public void setKsmRelease(FrameRelease newRelease) {
        ksmRelease = newRelease;
    }

    /** Plugs in who takes back what frames with {@link PageFlags#MEMCG} were charged; it clears the flag. */
    public void setChargeRelease(FrameRelease newRelease) {
        chargeRelease = newRelease;
    }

    /**
     * Plugs in who looks at frames that only the swap cache refers to any more. Its caller has no reference to the
     * frame.
     */
    public void setCacheRelease(FrameRelease newRelease) {
        cacheRelease = newRelease;
    }

    /** Checks the free lists. @return the first violation, or null when all is well */
    public String audit() {
        String wrong = caches.audit();
        return wrong != null ? wrong : lists.audit();
    }
}
