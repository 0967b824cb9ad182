package faultline.mmu.file;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.lock.LockClass;
import faultline.mmu.lock.LockRank;
import faultline.mmu.lock.SpinLock;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.PageFlags;
import java.util.function.LongPredicate;

/**
 * Which frame holds which page of one file, and which pages are dirty: the page tree with the lock that guards it.
 *
 * <p>Looking up takes a reference under the lock, so that a page found cannot be freed before its finder has it. The
 * lock is innermost: it may be taken under a page-table lock.
 */
final class CachedPages {
    /** Instead of a frame: the page is in swap. */
    static final long SWAPPED = -2;

    /** Index and dirt of one file's cached pages. */
    static final LockClass LOCK_CLASS = new LockClass("i_pages", LockRank.PAGE_CACHE_LOCK);

    private final AddressSpace owner;
    private final FrameTable frames;
    private final SpinLock lock = new SpinLock(LOCK_CLASS);
    private final PageTree tree = new PageTree();
    /** False while there is surely no page; set before the first becomes visible. */
    private volatile boolean populated;

    CachedPages(AddressSpace owner, FrameTable frames) {
        this.owner = owner;
        this.frames = frames;
    }

    boolean isPopulated() {
        return populated;
    }

    long count() {
        lock.lock();
        try {
            return tree.count();
        } finally {
            lock.unlock();
        }
    }

    long dirtyCount() {
        lock.lock();
        try {
            return tree.dirtyCount();
        } finally {
            lock.unlock();
        }
    }

    /** The frame of page {@code index} with a reference for the caller, or -1. */
    long find(long index) {
        if (!populated) {
            return -1;
        }
        lock.lock();
        try {
            long pfn = tree.get(index);
            if (pfn >= 0) {
                frames.get(pfn);
            }
            return pfn;
        } finally {
            lock.unlock();
        }
    }

    /** Up-to-date frames of {@code count} pages with references, -1 where there is none; returns how many there are. */
    int find(long first, int count, long[] out) {
        int found = 0;
        lock.lock();
        try {
            for (int i = 0; i < count; i++) {
                long pfn = tree.get(first + i);
                if (pfn >= 0 && frames.test(pfn, PageFlags.UPTODATE)) {
                    frames.get(pfn);
                    found++;
                } else {
                    pfn = -1;
                }
                out[i] = pfn;
            }
        } finally {
            lock.unlock();
        }
        return found;
    }

    /** As {@link #find(long)}, but {@link #SWAPPED} for a page that is in swap. */
    long findOrSwapped(long index) {
        lock.lock();
        try {
            long pfn = tree.get(index);
            if (pfn >= 0) {
                frames.get(pfn);
                return pfn;
            }
            return tree.swapSlot(index) == 0 ? -1 : SWAPPED;
        } finally {
            lock.unlock();
        }
    }

    /** Pages from {@code first} to {@code last} inclusive that are in swap. */
    long swapped(long first, long last) {
        long found = 0;
        lock.lock();
        try {
            for (long at = tree.next(first, last); at >= 0 && at <= last; at = tree.next(at + 1, last)) {
                found += tree.swapSlot(at) != 0 ? 1 : 0;
            }
        } finally {
            lock.unlock();
        }
        return found;
    }

    /** Pages that are in swap. */
    long swapped() {
        lock.lock();
        try {
            return tree.swapped();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Puts a swap slot in the place of the locked page, if it is clean, not mapped, and referred to by the cache and
     * the caller alone. The cache's reference is the caller's to drop then.
     */
    @KernelFunction("shmem_delete_from_page_cache")
    boolean swapOut(long pfn, long slot) {
        lock.lock();
        try {
            if (frames.refcount(pfn) != 2 || frames.mapcount(pfn) != 0 || frames.test(pfn, PageFlags.DIRTY)) {
                return false;
            }
            tree.swapOut(frames.index(pfn), slot);
            noteSwapped(1);
            frames.setMapping(pfn, null);
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** The locked page could not be read from its slot: the slot takes its place again. */
    void swapBack(long pfn) {
        lock.lock();
        try {
            tree.swapOut(frames.index(pfn), frames.privateData(pfn));
            noteSwapped(1);
            frames.setMapping(pfn, null);
            frames.setPrivateData(pfn, 0);
        } finally {
            lock.unlock();
        }
    }

    /** Forgets page {@code index} if it is in swap. @return its slot, the caller's to free; 0 if it is not in swap */
    @KernelFunction("shmem_free_swap")
    long dropSwapped(long index) {
        lock.lock();
        try {
            long slot = tree.swapSlot(index);
            if (slot != 0) {
                tree.remove(index);
                noteSwapped(0);
                updatePopulated();
            }
            return slot;
        } finally {
            lock.unlock();
        }
    }

    /**
     * The next index from {@code from} on whose page is in a slot that {@code wanted} says yes to; -1 when there is
     * none.
     */
    long nextSwapped(long from, LongPredicate wanted) {
        lock.lock();
        try {
            long at = tree.swapped() == 0 ? -1 : tree.next(from, Long.MAX_VALUE);
            while (at >= 0 && !(tree.swapSlot(at) != 0 && wanted.test(tree.swapSlot(at)))) {
                at = tree.next(at + 1, Long.MAX_VALUE);
            }
            return at;
        } finally {
            lock.unlock();
        }
    }

    /**
     * One page more, or less, is in swap: somebody keeps a list of the files that have any. @param edge the count at
     * which that changes
     */
    @KernelFunction("shmem_swaplist")
    private void noteSwapped(int edge) {
        if (tree.swapped() == edge) {
            owner.cache().swap().noteSwapped(owner, edge != 0);
        }
    }

    private void updatePopulated() {
        populated = tree.count() + tree.swapped() != 0;
    }

    boolean isPresent(long index) {
        lock.lock();
        try {
            return tree.get(index) >= 0;
        } finally {
            lock.unlock();
        }
    }

    boolean isUpToDate(long index) {
        lock.lock();
        try {
            long pfn = tree.get(index);
            return pfn >= 0 && frames.test(pfn, PageFlags.UPTODATE);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Enters the locked frame {@code pfn} as page {@code index}, unless another was there first or the file ends before
     * it. A page that was in swap leaves its slot in the frame's private value, for the caller to read and free.
     * Truncation sets the size before it looks for pages, so none can slip in behind it.
     *
     * @return 0, the cache then owning one more reference on the frame; -EEXIST; -ENXIO beyond the end
     */
    @KernelFunction("filemap_add_folio")
    int add(long index, long pfn) {
        lock.lock();
        try {
            if (index >= owner.sizePages() && !owner.store().hasHugePages()) {
                return -Errno.ENXIO;
            }
            if (tree.get(index) >= 0) {
                return -Errno.EEXIST;
            }
            populated = true;
            frames.get(pfn);
            frames.setIndex(pfn, index);
            frames.setMapping(pfn, owner);
            long slot = tree.swapSlot(index);
            frames.setPrivateData(pfn, slot);
            if (slot != 0) {
                tree.swapIn(index, pfn);
                noteSwapped(0);
            } else {
                tree.put(index, pfn);
            }
            return 0;
        } finally {
            lock.unlock();
        }
    }

    /** Takes the locked frame out; the cache's reference is the caller's to drop. Dirt is forgotten. */
    @KernelFunction("__filemap_remove_folio")
    void remove(long pfn) {
        lock.lock();
        try {
            tree.remove(frames.index(pfn));
            frames.setMapping(pfn, null);
            frames.clear(pfn, PageFlags.DIRTY);
            updatePopulated();
        } finally {
            lock.unlock();
        }
    }

    /** As {@link #remove}, if the page is clean, not mapped, and referred to by the cache and the caller alone. */
    @KernelFunction("__remove_mapping")
    boolean removeIfUnused(long pfn) {
        lock.lock();
        try {
            if (frames.refcount(pfn) != 2 || frames.mapcount(pfn) != 0 || frames.test(pfn, PageFlags.DIRTY)) {
                return false;
            }
            tree.remove(frames.index(pfn));
            frames.setMapping(pfn, null);
            updatePopulated();
            return true;
        } finally {
            lock.unlock();
        }
    }

    long next(long from, long last) {
        lock.lock();
        try {
            return tree.next(from, last);
        } finally {
            lock.unlock();
        }
    }

    long nextDirty(long from, long last) {
        lock.lock();
        try {
            return tree.nextDirty(from, last);
        } finally {
            lock.unlock();
        }
    }

    /** Marks a frame dirty if it still is the owner's page; returns whether the frame was clean. */
    boolean setDirty(long pfn) {
        if (frames.testAndSet(pfn, PageFlags.DIRTY)) {
            return false;
        }
        lock.lock();
        try {
            if (frames.mapping(pfn) == owner) {
                tree.setDirty(frames.index(pfn));
            }
        } finally {
            lock.unlock();
        }
        return true;
    }

    /** Takes dirt off the locked page; returns whether there was any. */
    boolean clearDirty(long pfn) {
        lock.lock();
        try {
            tree.clearDirty(frames.index(pfn));
            return frames.testAndClear(pfn, PageFlags.DIRTY);
        } finally {
            lock.unlock();
        }
    }
}
