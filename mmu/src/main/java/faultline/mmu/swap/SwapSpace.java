package faultline.mmu.swap;

import faultline.mmu.Errno;
import faultline.mmu.annotation.Injectable;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.file.PageCache;
import faultline.mmu.lock.SpinLock;
import faultline.mmu.phys.FrameAllocator;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.rmap.SwapOps;
import faultline.mmu.table.Pte;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;

/**
 * The machine's swap areas and the cache of pages that are both there and in memory.
 *
 * <p>A page is in the swap cache from the moment it gets a slot until it is in one place only: so that two tasks that
 * want it back get the same frame. While it is there it has one reference for the cache, flag SWAPCACHE, and its swap
 * entry as private value; entering and leaving need the page lock. A page that somebody reads in is locked and not up
 * to date.
 *
 * <p>The lock of {@link SwapAreas} guards slots and the cache; it is inside of page-table locks, and nothing but
 * allocator locks is inside of it.
 */
public final class SwapSpace implements SwapOps, AutoCloseable {
    private static final int NEW_PAGE = PageFlags.SWAPBACKED | PageFlags.LRU;

    private final PageCache cache;
    private final FrameTable frames;
    private final FrameAllocator allocator;
    private final MemorySegment ram;
    private final SwapAreas areas = new SwapAreas();
    private final SpinLock lock = areas.lock();
    private final ShmemSwap files;
    private final LongAdder pagesIn = new LongAdder();
    private final LongAdder pagesOut = new LongAdder();

    /** Without an area yet. @param cache the machine's page cache, of whose frames the swap cache's are */
    public SwapSpace(PageCache cache) {
        this.cache = cache;
        this.frames = cache.frames();
        this.allocator = cache.allocator();
        this.ram = cache.phys().segment();
        this.files = new ShmemSwap(this, cache);
        allocator.setCacheRelease(this::releaseUnused);
        cache.setSwap(files);
    }

    /** The areas. */
    public SwapAreas areas() {
        return areas;
    }

    /** Lets go of the pages that the swap cache alone has for the area. */
    @KernelFunction("find_next_to_unuse")
    public void dropUnused(SwapArea area) {
        for (int slot = area.nextCached(1); slot >= 0; slot = area.nextCached(slot + 1)) {
            long pfn = findCached(area, slot);
            if (pfn >= 0) {
                cache.lockPage(pfn);
                if (isCachedAs(area, slot, pfn)) {
                    tryToFree(pfn);
                }
                cache.unlockPage(pfn);
                allocator.putPage(pfn);
            }
        }
    }

    /** Pages of memory files that are in swap. */
    public ShmemSwap files() {
        return files;
    }

    /**
     * The cache has the last reference, as it seems: the page goes if no entry stands for its slot.
     *
     * <p>Reclaim may have a reference just then, find the page locked and leave it: whoever of the two drops his last
     * looks once more, or the slot would stay taken ({@code SwapTest}: the background thread frees frames).
     */
    @KernelFunction("free_swap_cache")
    private void releaseUnused(long pfn) {
        do {
            if (!frames.getUnlessZero(pfn)) {
                return;
            }
            if (cache.tryLockPage(pfn)) {
                if (frames.test(pfn, PageFlags.SWAPCACHE) && frames.mapcount(pfn) == 0 && frames.refcount(pfn) == 2) {
                    tryToFree(pfn);
                }
                cache.unlockPage(pfn);
            }
            if (frames.put(pfn)) {
                allocator.freeUnreferenced(pfn);
                return;
            }
        } while (isUseless(pfn));
    }

    /** Whether the cache alone has the page, and no entry stands for its slot. The caller has no reference. */
    private boolean isUseless(long pfn) {
        if (frames.refcount(pfn) != 1 || !frames.test(pfn, PageFlags.SWAPCACHE)) {
            return false;
        }
        long entry = frames.privateData(pfn);
        int slot = (int) Pte.swapOffset(entry);
        SwapArea area = areas.get(Pte.swapType(entry));
        if (area == null || !area.isValid(slot)) {
            return false;
        }
        lock.lock();
        try {
            return area.cached(slot) == pfn && area.users(slot) == 0 && frames.refcount(pfn) == 1;
        } finally {
            lock.unlock();
        }
    }

    // ---- towards the faults

    @Override
    @KernelFunction("swapin_readahead")
    @Injectable(value = "mm/swap/in", error = -Errno.EIO)
    public long swapIn(long entry, boolean mayWait) {
        int slot = (int) Pte.swapOffset(entry);
        SwapArea area = areas.get(Pte.swapType(entry));
        if (area == null || !area.isValid(slot)) {
            // The entry that the caller saw is gone, and with it the area.
            return -Errno.EAGAIN;
        }
        while (true) {
            long pfn = findCached(area, slot);
            if (pfn == -1) {
                long fresh = cache.memCgroups().charged(area.owner(slot), allocator.allocPage(NEW_PAGE));
                if (fresh < 0) {
                    return -Errno.ENOMEM;
                }
                // Ours alone, but reclaim has it on its lists, and may look at it just now (FreshFrameTest).
                cache.lockPage(fresh);
                if (publish(area, slot, fresh)) {
                    return readIn(area, slot, fresh);
                }
                cache.unlockPage(fresh);
                allocator.putPage(fresh);
                continue;
            }
            if (pfn < 0) {
                return pfn;
            }
            if (frames.test(pfn, PageFlags.UPTODATE)) {
                return pfn;
            }
            if (!mayWait) {
                allocator.putPage(pfn);
                return -Errno.EAGAIN;
            }
            // Somebody reads it in: when the lock is free it is there, or could not be read and has left the cache.
            cache.lockPage(pfn);
            boolean there = frames.test(pfn, PageFlags.UPTODATE);
            cache.unlockPage(pfn);
            if (there) {
                return pfn;
            }
            allocator.putPage(pfn);
        }
    }

    /** The cached frame with a reference; -1 when it has to be read; -EAGAIN when nobody uses the slot any more. */
    @KernelFunction("swap_cache_get_folio")
    private long findCached(SwapArea area, int slot) {
        lock.lock();
        try {
            if (area.isFree(slot)) {
                return -Errno.EAGAIN;
            }
            long pfn = area.cached(slot);
            if (pfn >= 0) {
                frames.get(pfn);
            }
            return pfn;
        } finally {
            lock.unlock();
        }
    }

    /** Enters a locked new frame, that is yet to be read, unless another was first or the slot went. */
    @KernelFunction("swap_cache_add_folio")
    private boolean publish(SwapArea area, int slot, long pfn) {
        lock.lock();
        try {
            if (area.isFree(slot) || area.cached(slot) >= 0) {
                return false;
            }
            enter(area, slot, pfn);
            return true;
        } finally {
            lock.unlock();
        }
    }

    private void enter(SwapArea area, int slot, long pfn) {
        area.setCached(slot, pfn);
        frames.get(pfn);
        frames.setPrivateData(pfn, Pte.swap(area.type(), slot));
        frames.set(pfn, PageFlags.SWAPCACHE);
    }

    @KernelFunction("swap_read_folio")
    private long readIn(SwapArea area, int slot, long pfn) {
        int error = area.store().read(slot, page(pfn));
        if (error == 0) {
            cache.instructionCache().flushFrame(pfn);
            frames.set(pfn, PageFlags.UPTODATE);
            countIn();
            cache.unlockPage(pfn);
            return pfn | AddressSpace.WAS_READ;
        }
        leave(pfn);
        cache.unlockPage(pfn);
        allocator.putPage(pfn);
        return error;
    }

    /** The content of a frame. */
    MemorySegment page(long pfn) {
        return ram.asSlice(Page.address(pfn), Page.SIZE);
    }

    @Override
    @KernelFunction("free_swap_and_cache")
    public void free(long entry) {
        SwapArea area = areaOf(entry);
        int slot = (int) Pte.swapOffset(entry);
        long useless = -1;
        lock.lock();
        try {
            area.dropUser(slot);
            if (area.users(slot) == 0 && area.cached(slot) >= 0) {
                useless = area.cached(slot);
                frames.get(useless);
            }
        } finally {
            lock.unlock();
        }
        if (useless >= 0) {
            dropUseless(area, slot, useless);
        }
    }

    /**
     * The cache alone still has the page, unless somebody maps it just now: he has it locked, and will look after it.
     */
    @KernelFunction("__try_to_reclaim_swap")
    private void dropUseless(SwapArea area, int slot, long pfn) {
        if (cache.tryLockPage(pfn)) {
            if (frames.mapcount(pfn) == 0 && isCachedAs(area, slot, pfn)) {
                tryToFree(pfn);
            }
            cache.unlockPage(pfn);
        }
        allocator.putPage(pfn);
    }

    private boolean isCachedAs(SwapArea area, int slot, long pfn) {
        return frames.test(pfn, PageFlags.SWAPCACHE) && frames.privateData(pfn) == Pte.swap(area.type(), slot);
    }

    /** The area of an entry that stands in a page table whose lock is held, or in a locked frame of the swap cache. */
    private SwapArea areaOf(long entry) {
        SwapArea area = areas.get(Pte.swapType(entry));
        if (area == null || !area.isValid(Pte.swapOffset(entry))) {
            throw new IllegalStateException("bad swap entry: " + Pte.toString(entry));
        }
        return area;
    }

    @Override
    @KernelFunction("swp_swapcount")
    public int users(long entry) {
        SwapArea area = areaOf(entry);
        lock.lock();
        try {
            return area.users((int) Pte.swapOffset(entry));
        } finally {
            lock.unlock();
        }
    }

    @Override
    @KernelFunction("swap_duplicate")
    public void duplicate(long entry) {
        SwapArea area = areaOf(entry);
        lock.lock();
        try {
            area.addUser((int) Pte.swapOffset(entry));
        } finally {
            lock.unlock();
        }
    }

    @Override
    @KernelFunction("folio_free_swap")
    @RequiresLock("PAGE_LOCK")
    public boolean tryToFree(long pfn) {
        if (!frames.test(pfn, PageFlags.SWAPCACHE)) {
            return true;
        }
        lock.lock();
        try {
            long entry = frames.privateData(pfn);
            if (areaOf(entry).users((int) Pte.swapOffset(entry)) != 0) {
                return false;
            }
            // Its content will be nowhere else.
            frames.set(pfn, PageFlags.DIRTY);
            leaveLocked(pfn);
        } finally {
            lock.unlock();
        }
        allocator.putPage(pfn);
        return true;
    }

    // ---- towards reclaim

    /**
     * Gives the locked anonymous page a slot.
     *
     * @return false when the areas are full
     */
    @KernelFunction("folio_alloc_swap")
    @Injectable(value = "mm/swap/alloc", error = 0)
    @RequiresLock("PAGE_LOCK")
    public boolean add(long pfn) {
        lock.lock();
        try {
            long slot = areas.take(cache.memCgroups().owner(pfn));
            if (slot < 0) {
                return false;
            }
            frames.set(pfn, PageFlags.DIRTY);
            enter(areas.get(SwapSlot.type(slot)), SwapSlot.offset(slot), pfn);
            return true;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Writes the locked page, which nobody maps, to its slot if it is dirty.
     *
     * @return 0 or -errno; the page stays dirty then
     */
    @KernelFunction("swap_writeout")
    @Injectable(value = "mm/swap/out", error = -Errno.EIO)
    @RequiresLock("PAGE_LOCK")
    public int write(long pfn) {
        if (!frames.testAndClear(pfn, PageFlags.DIRTY)) {
            return 0;
        }
        long entry = frames.privateData(pfn);
        int error = areaOf(entry).store().write(Pte.swapOffset(entry), page(pfn));
        if (error != 0) {
            frames.set(pfn, PageFlags.DIRTY);
            return error;
        }
        countOut();
        return 0;
    }

    /**
     * Takes the locked, written page out of the cache, if the cache and the caller alone refer to it. The caller frees
     * it.
     *
     * @return whether the caller has the last reference now
     */
    @KernelFunction("__remove_mapping")
    @RequiresLock("PAGE_LOCK")
    public boolean removeIfUnused(long pfn) {
        lock.lock();
        try {
            // References are taken under this lock, or by those who have one.
            if (frames.refcount(pfn) != 2 || frames.mapcount(pfn) != 0 || frames.test(pfn, PageFlags.DIRTY)) {
                return false;
            }
            leaveLocked(pfn);
        } finally {
            lock.unlock();
        }
        allocator.putPage(pfn);
        return true;
    }

    private void leave(long pfn) {
        lock.lock();
        try {
            leaveLocked(pfn);
        } finally {
            lock.unlock();
        }
        allocator.putPage(pfn);
    }

    /** The cache's reference is the caller's to drop. */
    @KernelFunction("__delete_from_swap_cache")
    @RequiresLock("SWAP_LOCK")
    private void leaveLocked(long pfn) {
        long entry = frames.privateData(pfn);
        areaOf(entry).clearCached((int) Pte.swapOffset(entry));
        frames.clear(pfn, PageFlags.SWAPCACHE);
        frames.setPrivateData(pfn, 0);
    }

    // ---- counts

    void countIn() {
        pagesIn.increment();
    }

    void countOut() {
        pagesOut.increment();
    }

    /** Slots whose page is in memory too (SwapCached). */
    public long cachedPages() {
        return areas.sum(SwapArea::allCached);
    }

    /** Slots that pages of memory files are in. */
    public long filedSlots() {
        return areas.sum(SwapArea::filedSlots);
    }

    /** Page-table entries that stand for slots. */
    public long entries() {
        return areas.sum(SwapArea::allUsers);
    }

    /** Pages that the areas have room for; of one that is being taken off, those that are still there. */
    @KernelFunction("si_swapinfo")
    public long totalSlots() {
        return areas.sum(area -> area.isOpen() ? area.size() : area.inUse());
    }

    /** Pages that there is room for now. */
    public long freeSlots() {
        return areas.free();
    }

    /** Pages read in so far (pswpin). */
    public long pagesIn() {
        return pagesIn.sum();
    }

    /** Pages written so far (pswpout). */
    public long pagesOut() {
        return pagesOut.sum();
    }

    /**
     * Compares what this believes of each slot with what was found by looking at all page tables of the machine at
     * rest.
     *
     * @param found entries that stand for each slot, by area and slot
     * @param report told of each difference
     */
    public void audit(int[][] found, Consumer<String> report) {
        lock.lock();
        try {
            for (SwapArea area : areas.all()) {
                area.audit(found[area.type()], (slot, pfn) -> isCachedAs(area, slot, pfn), frames, report);
            }
            areas.audit(report);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        areas.all().forEach(area -> area.store().close());
    }
}
