package faultline.mmu.swap;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.file.PageCache;
import faultline.mmu.phys.FrameAllocator;
import faultline.mmu.phys.FrameReclaim;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.rmap.HugeSplit;
import faultline.mmu.rmap.PageReferenced;
import faultline.mmu.rmap.Rmap;
import faultline.mmu.rmap.SwapOps;
import faultline.mmu.rmap.TryToUnmap;
import faultline.mmu.table.PageTables;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/**
 * Finds frames when they run out: drops clean pages of files, writes dirty ones, swaps anonymous ones out.
 *
 * <p>Which page goes is decided by second chance: a hand goes round all frames. A page that was used since the hand
 * last passed stays; used two times in a row it becomes active, and then has to be found unused twice before it goes.
 * The hand is the list and the frame table is its links: a fault pays nothing for it.
 *
 * <pre>
 *                 used              used
 *   inactive ──▶ stays, marked ──▶ active          active ──unused──▶ inactive ──unused──▶ goes
 * </pre>
 *
 * <p>Runs in the thread that wants a frame, at a place where it may hold page locks of its own: so page locks are only
 * tried. Page order: try-lock the page, look at it again, ask and clear its accessed bits, unmap it everywhere, write
 * it, free it. Between the steps whoever wants the page back gets it: it is found in the swap cache, or in its file's,
 * until nobody else refers to it.
 */
public final class Reclaimer implements FrameReclaim {
    /** Frames wanted from one call (SWAP_CLUSTER_MAX is 32). */
    static final int WANTED = 64;

    /** Frames that a thread takes from under the hand at once. */
    private static final int STRIDE = 64;
    /** How often the hand may go round in one call: used pages become active, inactive, and go, in as many rounds. */
    private static final int ROUNDS = 4;

    private static final int NOT_OURS = PageFlags.RESERVED
            | PageFlags.TABLE
            | PageFlags.KERNEL
            | PageFlags.LOCKED
            | PageFlags.HEAD
            | PageFlags.TAIL
            | PageFlags.HUGETLB
            | PageFlags.FREE;

    private final PageCache cache;
    private final FrameTable frames;
    private final FrameAllocator allocator;
    private final PageTables tables;
    private final PageReferenced referenced;
    private final TryToUnmap unmapper;
    private final SwapSpace swap;
    private final AtomicLong hand = new AtomicLong();
    private final LongAdder scanned = new LongAdder();
    private final LongAdder stolen = new LongAdder();
    private final LongAdder scannedInBackground = new LongAdder();
    private final LongAdder stolenInBackground = new LongAdder();
    private volatile Runnable background;
    private volatile OutOfMemory outOfMemory = () -> false;

    /** @param swap where anonymous pages go; null when there is no swap */
    public Reclaimer(PageCache cache, PageTables tables, Rmap rmap, SwapSpace swap) {
        this.cache = cache;
        this.frames = cache.frames();
        this.allocator = cache.allocator();
        this.swap = swap;
        this.tables = tables;
        this.referenced = new PageReferenced(tables);
        this.unmapper = new TryToUnmap(tables, rmap, swap == null ? SwapOps.NONE : swap);
    }

    @Override
    @KernelFunction("try_to_free_pages")
    public long reclaim(int order) {
        long wanted = Math.max(WANTED, 2L << order);
        long freed = 0;
        long budget = ROUNDS * frames.count();
        while (freed < wanted && budget > 0) {
            freed += shrink(hand.getAndAdd(STRIDE));
            budget -= STRIDE;
        }
        return freed;
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
    public boolean outOfMemory() {
        return outOfMemory.handle();
    }

    /** One piece of work of the background thread. @return frames freed */
    @KernelFunction("kswapd_shrink_node")
    long shrinkInBackground(int strides) {
        long freed = 0;
        for (int i = 0; i < strides; i++) {
            freed += shrink(hand.getAndAdd(STRIDE));
        }
        scannedInBackground.add((long) strides * STRIDE);
        stolenInBackground.add(freed);
        return freed;
    }

    /** Strides after which every frame has had all its chances. */
    int stridesToTheEnd() {
        return (int) (ROUNDS * frames.count() / STRIDE) + 1;
    }

    @KernelFunction("shrink_folio_list")
    private long shrink(long from) {
        long freed = 0;
        for (long i = from; i < from + STRIDE; i++) {
            if (shrinkFrame(Long.remainderUnsigned(i, frames.count()))) {
                freed++;
            }
        }
        scanned.add(STRIDE);
        stolen.add(freed);
        return freed;
    }

    /** Looks at one frame. @return whether it is free now */
    boolean shrinkFrame(long pfn) {
        if (frames.test(pfn, PageFlags.HEAD)) {
            splitHuge(pfn);
        }
        if (frames.test(pfn, NOT_OURS) || !isPage(pfn) || !frames.getUnlessZero(pfn)) {
            return false;
        }
        return reclaimHeld(pfn, false);
    }

    /**
     * Reclaims one frame now, however recently it was used (MADV_PAGEOUT): a dirty page of a file is written first.
     *
     * @param pfn a frame that the caller has a reference on, which this takes over
     * @return whether the frame is free now
     */
    @KernelFunction(value = "reclaim_folio_list", file = "mm/vmscan.c")
    public boolean pageOut(long pfn) {
        if (frames.test(pfn, NOT_OURS)) {
            allocator.putPage(pfn);
            return false;
        }
        boolean ofFile = frames.mapping(pfn) instanceof AddressSpace;
        boolean gone = reclaimHeld(pfn, true);
        // Unmapped and written by the first attempt, it can be dropped by the second.
        return gone || ofFile && frames.getUnlessZero(pfn) && reclaimHeld(pfn, true);
    }

    /** Tries to free the frame; the caller's reference on it goes. @return whether it is free now */
    private boolean reclaimHeld(long pfn, boolean ignoreReferences) {
        boolean last = false;
        long dirtyIndex = -1;
        AddressSpace file = null;
        // Until we had the reference it may have been freed and become something else.
        if (!frames.test(pfn, NOT_OURS) && cache.tryLockPage(pfn)) {
            if (isPage(pfn) && !isPinned(pfn) && (ignoreReferences || !keep(pfn))) {
                if (frames.mapping(pfn) instanceof AddressSpace mapping) {
                    file = mapping;
                    last = dropFilePage(pfn, mapping);
                    dirtyIndex = !last && frames.test(pfn, PageFlags.DIRTY) ? frames.index(pfn) : -1;
                } else {
                    last = dropAnonPage(pfn);
                }
            }
            cache.unlockPage(pfn);
        }
        allocator.putPage(pfn);
        if (dirtyIndex >= 0 && !file.isShmem()) {
            file.launder(dirtyIndex);
        }
        return last;
    }

    /** Of a huge page single ones are made; the hand then comes to each of them. */
    private void splitHuge(long head) {
        boolean goes = swap != null || !frames.test(head, PageFlags.SWAPBACKED);
        if (!goes || !frames.test(head, PageFlags.ANON) || !frames.getUnlessZero(head)) {
            return;
        }
        if (frames.test(head, PageFlags.HEAD) && cache.tryLockPage(head)) {
            new HugeSplit(tables).split(head);
            cache.unlockPage(head);
        }
        allocator.putPage(head);
    }

    /**
     * Whether it is a file's page or an anonymous one. A frame bears the flags of an anonymous page from its allocation
     * on, but is one only when its family is set, just before it is mapped ({@code SwapRaceTest}: nothing is lost).
     */
    private boolean isPage(long pfn) {
        return frames.mapping(pfn) != null || frames.test(pfn, PageFlags.SWAPCACHE);
    }

    /** Whether somebody besides page tables, a cache and ourselves refers to the page, and may be at its content. */
    private boolean isPinned(long pfn) {
        boolean cached = frames.test(pfn, PageFlags.SWAPCACHE) || frames.mapping(pfn) instanceof AddressSpace;
        return frames.refcount(pfn) > frames.mapcount(pfn) + (cached ? 2 : 1);
    }

    /** Second chance. */
    @KernelFunction("folio_check_references")
    @RequiresLock("PAGE_LOCK")
    private boolean keep(long pfn) {
        int references = referenced.count(pfn);
        if (references == Integer.MAX_VALUE) {
            return true;
        }
        if (references > 0) {
            // RECLAIM remembers that it was found used the last time too.
            if (frames.testAndSet(pfn, PageFlags.RECLAIM)) {
                frames.set(pfn, PageFlags.ACTIVE);
            }
            return true;
        }
        frames.clear(pfn, PageFlags.RECLAIM);
        return frames.testAndClear(pfn, PageFlags.ACTIVE);
    }

    @RequiresLock("PAGE_LOCK")
    private boolean dropFilePage(long pfn, AddressSpace mapping) {
        if (mapping.isShmem()) {
            return swap != null && swap.freeSlots() != 0 && unmapper.tryToUnmap(pfn) && swapFilePage(pfn, mapping);
        }
        return unmapper.tryToUnmap(pfn) && mapping.removeIfUnused(pfn);
    }

    /** No entry maps it: whoever wants it back finds it in the file, locked, until its slot stands there. */
    @RequiresLock("PAGE_LOCK")
    private boolean swapFilePage(long pfn, AddressSpace mapping) {
        // Dirt that comes after this tells that the slot does not hold all.
        mapping.clearPageDirty(pfn);
        long slot = swap.writeFilePage(pfn);
        if (slot < 0) {
            return false;
        }
        if (!mapping.swapOut(pfn, slot)) {
            swap.freeSlot(slot);
            return false;
        }
        return true;
    }

    @KernelFunction("pageout")
    @RequiresLock("PAGE_LOCK")
    private boolean dropAnonPage(long pfn) {
        boolean swapped = frames.test(pfn, PageFlags.SWAPBACKED);
        if (!swapped && !frames.test(pfn, PageFlags.SWAPCACHE)) {
            return unmapper.tryToUnmap(pfn) && frames.refcount(pfn) == 1;
        }
        if (swap == null || !frames.test(pfn, PageFlags.SWAPCACHE) && !swap.add(pfn)) {
            return false;
        }
        if (!unmapper.tryToUnmap(pfn)) {
            swap.tryToFree(pfn);
            return false;
        }
        if (swap.tryToFree(pfn)) {
            // Its last user left meanwhile: there is nothing to keep.
            return frames.refcount(pfn) == 1;
        }
        return swap.write(pfn) == 0 && swap.removeIfUnused(pfn);
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
