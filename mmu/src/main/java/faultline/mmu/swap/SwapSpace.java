package faultline.mmu.swap;

import faultline.mmu.Errno;
import faultline.mmu.annotation.Injectable;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.file.FileSwap;
import faultline.mmu.file.PageCache;
import faultline.mmu.lock.LockClass;
import faultline.mmu.lock.LockRank;
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
 * The machine's swap area and the cache of pages that are both there and in memory.
 *
 * <p>A page is in the swap cache from the moment it gets a slot until it is in one place only: so that two tasks that
 * want it back get the same frame. While it is there it has one reference for the cache, flag SWAPCACHE, and its swap
 * entry as private value; entering and leaving need the page lock. A page that somebody reads in is locked and not up
 * to date.
 *
 * <p>{@link #lock} guards slots and the cache; it is inside of page-table locks, and nothing but allocator locks is
 * inside of it.
 */
public final class SwapSpace implements SwapOps, FileSwap, AutoCloseable {
    private static final LockClass LOCK_CLASS = new LockClass("swap", LockRank.SWAP_LOCK);
    private static final int TYPE = 0;
    private static final int NEW_PAGE = PageFlags.SWAPBACKED | PageFlags.LRU;

    private final PageCache cache;
    private final FrameTable frames;
    private final FrameAllocator allocator;
    private final MemorySegment ram;
    private final SpinLock lock = new SpinLock(LOCK_CLASS);
    private final SwapArea area;
    private final SwapStore store;
    private final LongAdder pagesIn = new LongAdder();
    private final LongAdder pagesOut = new LongAdder();

    /**
     * @param cache the machine's page cache, of whose frames the swap cache's are
     * @param slots pages that the area has room for
     * @param store where they are kept; closed with this
     */
    public SwapSpace(PageCache cache, int slots, SwapStore store) {
        this.cache = cache;
        this.frames = cache.frames();
        this.allocator = cache.allocator();
        this.ram = cache.phys().segment();
        this.area = new SwapArea(slots + 1);
        this.store = store;
        allocator.setCacheRelease(this::releaseUnused);
        cache.setSwap(this);
    }

    /** The cache has the last reference, as it seems: the page goes if no entry stands for its slot. */
    @KernelFunction("free_swap_cache")
    private void releaseUnused(long pfn) {
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
        }
    }

    // ---- towards the faults

    @Override
    @KernelFunction("swapin_readahead")
    @Injectable(value = "mm/swap/in", error = -Errno.EIO)
    public long swapIn(long entry, boolean mayWait) {
        long slot = Pte.swapOffset(entry);
        if (Pte.swapType(entry) != TYPE || !area.isValid(slot)) {
            return -Errno.EIO;
        }
        while (true) {
            long pfn = findCached((int) slot);
            if (pfn == -1) {
                long fresh = cache.memCgroups().charged(area.owner((int) slot), allocator.allocPage(NEW_PAGE));
                if (fresh < 0) {
                    return -Errno.ENOMEM;
                }
                frames.set(fresh, PageFlags.LOCKED);
                if (publish((int) slot, fresh)) {
                    return readIn((int) slot, fresh);
                }
                frames.clear(fresh, PageFlags.LOCKED);
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
    private long findCached(int slot) {
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
    private boolean publish(int slot, long pfn) {
        lock.lock();
        try {
            if (area.isFree(slot) || area.cached(slot) >= 0) {
                return false;
            }
            area.setCached(slot, pfn);
            enter(slot, pfn);
            return true;
        } finally {
            lock.unlock();
        }
    }

    private void enter(int slot, long pfn) {
        frames.get(pfn);
        frames.setPrivateData(pfn, Pte.swap(TYPE, slot));
        frames.set(pfn, PageFlags.SWAPCACHE);
    }

    @KernelFunction("swap_read_folio")
    private long readIn(int slot, long pfn) {
        int error = store.read(slot, page(pfn));
        if (error == 0) {
            cache.instructionCache().flushFrame(pfn);
            frames.set(pfn, PageFlags.UPTODATE);
            pagesIn.increment();
            cache.unlockPage(pfn);
            return pfn | AddressSpace.WAS_READ;
        }
        leave(pfn);
        cache.unlockPage(pfn);
        allocator.putPage(pfn);
        return error;
    }

    private MemorySegment page(long pfn) {
        return ram.asSlice(Page.address(pfn), Page.SIZE);
    }

    @Override
    @KernelFunction("free_swap_and_cache")
    public void free(long entry) {
        int slot = slotOf(entry);
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
            dropUseless(slot, useless);
        }
    }

    /**
     * The cache alone still has the page, unless somebody maps it just now: he has it locked, and will look after it.
     */
    @KernelFunction("__try_to_reclaim_swap")
    private void dropUseless(int slot, long pfn) {
        if (cache.tryLockPage(pfn)) {
            if (frames.mapcount(pfn) == 0 && isCachedAs(slot, pfn)) {
                tryToFree(pfn);
            }
            cache.unlockPage(pfn);
        }
        allocator.putPage(pfn);
    }

    private boolean isCachedAs(int slot, long pfn) {
        return frames.test(pfn, PageFlags.SWAPCACHE) && Pte.swapOffset(frames.privateData(pfn)) == slot;
    }

    private int slotOf(long entry) {
        long slot = Pte.swapOffset(entry);
        if (Pte.swapType(entry) != TYPE || !area.isValid(slot)) {
            throw new IllegalStateException("bad swap entry: " + Pte.toString(entry));
        }
        return (int) slot;
    }

    @Override
    @KernelFunction("swp_swapcount")
    public int users(long entry) {
        int slot = slotOf(entry);
        lock.lock();
        try {
            return area.users(slot);
        } finally {
            lock.unlock();
        }
    }

    @Override
    @KernelFunction("swap_duplicate")
    public void duplicate(long entry) {
        int slot = slotOf(entry);
        lock.lock();
        try {
            area.addUser(slot);
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
            if (area.users((int) Pte.swapOffset(frames.privateData(pfn))) != 0) {
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
     * @return false when the area is full
     */
    @KernelFunction("folio_alloc_swap")
    @Injectable(value = "mm/swap/alloc", error = 0)
    @RequiresLock("PAGE_LOCK")
    public boolean add(long pfn) {
        lock.lock();
        try {
            int slot = area.take(pfn, cache.memCgroups().owner(pfn));
            if (slot < 0) {
                return false;
            }
            frames.set(pfn, PageFlags.DIRTY);
            enter(slot, pfn);
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
        int error = store.write(Pte.swapOffset(frames.privateData(pfn)), page(pfn));
        if (error != 0) {
            frames.set(pfn, PageFlags.DIRTY);
            return error;
        }
        pagesOut.increment();
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
        area.clearCached((int) Pte.swapOffset(frames.privateData(pfn)));
        frames.clear(pfn, PageFlags.SWAPCACHE);
        frames.setPrivateData(pfn, 0);
    }

    // ---- pages of memory files

    /**
     * Takes a slot for a page of a memory file and writes the locked page there.
     *
     * @return the slot; -ENOSPC when the area is full; -EIO
     */
    @KernelFunction("shmem_writeout")
    @Injectable(value = "mm/swap/out/shmem", error = -Errno.EIO)
    @RequiresLock("PAGE_LOCK")
    public long writeFilePage(long pfn) {
        lock.lock();
        int slot;
        try {
            slot = area.takeForFile(cache.memCgroups().owner(pfn));
        } finally {
            lock.unlock();
        }
        if (slot < 0) {
            return -Errno.ENOSPC;
        }
        int error = store.write(slot, page(pfn));
        if (error != 0) {
            freeSlot(slot);
            return error;
        }
        pagesOut.increment();
        return slot;
    }

    @Override
    @KernelFunction("shmem_swapin_folio")
    @Injectable(value = "mm/swap/in/shmem", error = -Errno.EIO)
    public int readPage(long slot, long pfn) {
        int error = store.read(slot, page(pfn));
        if (error == 0) {
            pagesIn.increment();
        }
        return error;
    }

    @Override
    @KernelFunction("shmem_free_swap")
    public void freeSlot(long slot) {
        lock.lock();
        try {
            area.dropFiled((int) slot);
        } finally {
            lock.unlock();
        }
    }

    // ---- counts

    /** Slots whose page is in memory too (SwapCached). */
    public long cachedPages() {
        lock.lock();
        try {
            return area.allCached();
        } finally {
            lock.unlock();
        }
    }

    /** Slots that pages of memory files are in. */
    public long filedSlots() {
        lock.lock();
        try {
            return area.filedSlots();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Compares what this believes of each slot with what was found by looking at all page tables of the machine at
     * rest.
     *
     * @param found entries that stand for each slot, by slot
     * @param report told of each difference
     */
    public void audit(int[] found, Consumer<String> report) {
        lock.lock();
        try {
            area.audit(found, this::isCachedAs, frames, report);
        } finally {
            lock.unlock();
        }
    }

    /** Pages that the area has room for. */
    public long totalSlots() {
        return area.size();
    }

    public long freeSlots() {
        lock.lock();
        try {
            return area.free();
        } finally {
            lock.unlock();
        }
    }

    /** Page-table entries that stand for slots. */
    public long entries() {
        lock.lock();
        try {
            return area.allUsers();
        } finally {
            lock.unlock();
        }
    }

    /** Pages read in so far (pswpin). */
    public long pagesIn() {
        return pagesIn.sum();
    }

    /** Pages written so far (pswpout). */
    public long pagesOut() {
        return pagesOut.sum();
    }

    @Override
    public void close() {
        store.close();
    }
}
