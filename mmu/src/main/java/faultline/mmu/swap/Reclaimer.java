package faultline.mmu.swap;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.file.PageCache;
import faultline.mmu.phys.FrameAllocator;
import faultline.mmu.phys.FrameReclaim;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.LruVec;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.rmap.Rmap;
import faultline.mmu.table.PageTables;
import java.util.concurrent.atomic.LongAdder;

/**
 * Finds frames when they run out: drops clean pages of files, writes dirty ones, swaps anonymous ones out.
 *
 * <p>Which pages are looked at is decided by {@link LruScan}, what becomes of each by {@link PageReclaim}. The lists
 * are gone over again and again, each time a larger part of them, until enough is free.
 */
public final class Reclaimer implements FrameReclaim {
    /** Frames wanted from one call (SWAP_CLUSTER_MAX is 32). */
    static final int WANTED = 64;
    /** What the first pass of a call looks at: the 4096th part of the lists (DEF_PRIORITY). */
    static final int FIRST_PRIORITY = 12;
    /**
     * How often all passes are made before nothing can be freed: a page that is in use becomes active, inactive, and is
     * found unused, in as many (MAX_RECLAIM_RETRIES).
     */
    static final int RETRIES = 4;

    private final FrameTable frames;
    private final FrameAllocator allocator;
    private final PageReclaim pages;
    private final SwapSpace swap;
    private final ScanCost cost;
    private final LongAdder scanned = new LongAdder();
    private final LongAdder stolen = new LongAdder();
    private final LongAdder scannedInBackground = new LongAdder();
    private final LongAdder stolenInBackground = new LongAdder();
    private volatile Runnable background;
    private volatile OutOfMemory outOfMemory = order -> false;

    /** @param swap where anonymous pages go */
    public Reclaimer(PageCache cache, PageTables tables, Rmap rmap, SwapSpace swap) {
        this.frames = cache.frames();
        this.allocator = cache.allocator();
        this.swap = swap;
        this.pages = new PageReclaim(cache, tables, rmap, swap);
        this.cost = new ScanCost(frames.lru());
    }

    @Override
    @KernelFunction("try_to_free_pages")
    public long reclaim(int order) {
        long wanted = Math.max(WANTED, 2L << order);
        long freed = 0;
        for (int retry = 0; retry < RETRIES && freed == 0; retry++) {
            for (int priority = FIRST_PRIORITY; priority >= 0 && freed < wanted; priority--) {
                freed += shrink(priority, wanted - freed).freed();
            }
        }
        return freed;
    }

    @Override
    public long reclaimable() {
        LruVec lru = frames.lru();
        long pages = lru.size(LruVec.ACTIVE_FILE) + lru.size(LruVec.INACTIVE_FILE);
        boolean canSwap = swap.freeSlots() != 0;
        return canSwap ? pages + lru.size(LruVec.ACTIVE_ANON) + lru.size(LruVec.INACTIVE_ANON) : pages;
    }

    @KernelFunction("shrink_node")
    private LruScan shrink(int priority, long wanted) {
        allocator.drainLru();
        boolean canSwap = swap.freeSlots() != 0;
        LruScan scan = new LruScan(allocator, frames, pages, cost, canSwap);
        scan.run(priority, wanted);
        scanned.add(scan.scanned());
        stolen.add(scan.freed());
        return scan;
    }

    /** Somebody frees frames in the background from now on, when woken by this. */
    void setBackground(Runnable waker) {
        background = waker;
    }

    @Override
    @KernelFunction("wakeup_kswapd")
    public void wake() {
        Runnable waker = background;
        if (waker != null) {
            waker.run();
        }
    }

    /** Says what happens when nothing can be freed; once, before the first guest instruction. */
    public void setOutOfMemory(OutOfMemory handler) {
        outOfMemory = handler;
    }

    @Override
    @KernelFunction("__alloc_pages_may_oom")
    public boolean outOfMemory(int order) {
        return outOfMemory.handle(order);
    }

    /** One pass of the background thread. @return frames freed */
    @KernelFunction("kswapd_shrink_node")
    long shrinkInBackground(int priority) {
        LruScan scan = shrink(priority, WANTED);
        scannedInBackground.add(scan.scanned());
        stolenInBackground.add(scan.freed());
        return scan.freed();
    }

    /** Looks at one frame, for the reclaim of a group of processes. @return whether it is free now */
    boolean shrinkFrame(long pfn) {
        LruVec lru = frames.lru();
        if (!frames.test(pfn, PageFlags.LRU) || frames.test(pfn, PageFlags.UNEVICTABLE) || !frames.getUnlessZero(pfn)) {
            return false;
        }
        boolean last = false;
        if (lru.isolate(pfn)) {
            if (!frames.test(pfn, PageFlags.ACTIVE)) {
                last = pages.run(pfn, false);
            } else if (!pages.staysActive(pfn)) {
                frames.clear(pfn, PageFlags.ACTIVE);
            }
            if (!last) {
                lru.putBack(new long[] {pfn}, 1);
            }
        }
        allocator.putPage(pfn);
        return last;
    }

    /**
     * Reclaims one frame now, however recently it was used (MADV_PAGEOUT): a dirty page of a file is written first.
     *
     * @param pfn a frame that the caller has a reference on, which this takes over
     * @return whether the frame is free now
     */
    @KernelFunction(value = "reclaim_folio_list", file = "mm/vmscan.c")
    public boolean pageOut(long pfn) {
        LruVec lru = frames.lru();
        boolean last = false;
        if (lru.isolate(pfn)) {
            boolean ofFile = frames.mapping(pfn) instanceof AddressSpace;
            // Unmapped and written by the first attempt, it can be dropped by the second.
            last = pages.run(pfn, true) || ofFile && pages.run(pfn, true);
            if (!last) {
                lru.putBack(new long[] {pfn}, 1);
            }
        }
        allocator.putPage(pfn);
        return last;
    }

    /** Frames looked at so far (pgscan). */
    public long scanned() {
        return scanned.sum();
    }

    /** Frames looked at so far by the background thread (pgscan_kswapd). */
    public long scannedInBackground() {
        return scannedInBackground.sum();
    }

    /** Frames freed so far by the background thread (pgsteal_kswapd). */
    public long stolenInBackground() {
        return stolenInBackground.sum();
    }

    /** Frames freed so far (pgsteal). */
    public long stolen() {
        return stolen.sum();
    }
}
