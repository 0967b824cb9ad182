package faultline.mmu.file;

import faultline.mmu.Errno;
import faultline.mmu.annotation.Injectable;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.lock.LockClass;
import faultline.mmu.lock.LockRank;
import faultline.mmu.lock.RwSemaphore;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PageFlags;
import java.lang.foreign.MemorySegment;
import java.util.function.LongPredicate;

/**
 * The pages of one file and the mappings that show them (Linux: {@code struct address_space} with the size of its
 * inode).
 *
 * <p>One object an inode, whoever opens or maps it, so that read(2), write(2) and every mapping see one truth. A frame
 * in the cache carries one reference for it; {@code mapping(pfn)} is this object and {@code index(pfn)} the page
 * number. Locks: see the package.
 */
@KernelFunction("address_space")
public final class AddressSpace {
    /** Pages read at once around a missing one (Linux: 128 KiB of readahead). */
    static final int READ_AROUND = 32;

    /** Size and write(2) of one file. */
    static final LockClass INODE_LOCK_CLASS = new LockClass("inode", LockRank.INODE_LOCK);

    private final PageCache cache;
    private final FrameTable frames;
    private final BackingStore store;
    private final boolean shmem;
    private final boolean tmpfs;
    private final CachedPages pages;
    private final RwSemaphore inodeLock = new RwSemaphore(INODE_LOCK_CLASS);
    private final FileAreas areas = new FileAreas();
    private final Writeback writeback = new Writeback(this);

    private volatile long size;

    /** The cache of a file that {@code store} reads and writes; its size is asked once here. */
    public AddressSpace(PageCache cache, BackingStore store) {
        this.cache = cache;
        this.frames = cache.frames();
        this.pages = new CachedPages(this, frames);
        this.store = store;
        this.shmem = store.isShmem();
        this.tmpfs = store.isTmpfs();
        this.size = store.size();
    }

    /** Memory of {@code bytes} bytes that lives nowhere else: shared anonymous mappings, memfd, SysV segments. */
    @KernelFunction("shmem_file_setup")
    public static AddressSpace shmem(PageCache cache, long bytes) {
        AddressSpace mapping = new AddressSpace(cache, BackingStore.SHMEM);
        mapping.size = bytes;
        return mapping;
    }

    /** What the pages are read from and written to. */
    public BackingStore store() {
        return store;
    }

    /** Whether the pages live in memory only. */
    public boolean isShmem() {
        return shmem;
    }

    /** Whether programs are to take it for shared memory, wherever its pages live. */
    @KernelFunction("shmem_mapping")
    public boolean isTmpfs() {
        return tmpfs;
    }

    /** Whether page {@code index} exists: cached, in swap, or stored where the pages live. */
    @KernelFunction("shmem_get_folio_gfp")
    public boolean holdsPage(long index) {
        return pages.next(index, index) >= 0 || !store.isHole(index);
    }

    /** The machine's page cache. */
    public PageCache cache() {
        return cache;
    }

    /** Size of the file in bytes as this machine knows it. */
    @KernelFunction("i_size_read")
    public long size() {
        return size;
    }

    /** Pages of the file, a last partial one included. */
    public long sizePages() {
        return size + Page.SIZE - 1 >>> Page.SHIFT;
    }

    /**
     * Asks the backing store anew how long the file is, for growth that happened behind this machine's back. Not while
     * a truncation or a write is under way, which knows better: a file about to be cut still is long on the host. The
     * lock is only tried, so this may be called with any mmap lock held.
     *
     * @return the size in bytes
     */
    public long refreshSize() {
        if (!shmem && inodeLock.tryReadLock()) {
            try {
                long now = store.size();
                if (now > size) {
                    size = now;
                }
            } finally {
                inodeLock.readUnlock();
            }
        }
        return size;
    }

    /** Sets the size; its caller holds the lock that guards this file's size. */
    @KernelFunction("i_size_write")
    public void setSize(long bytes) {
        size = bytes;
    }

    // ---- the cache: index to frame ----

    /**
     * Whether any page is, or may just be becoming, cached; false lets read(2) and write(2) go to the host directly.
     */
    public boolean hasPages() {
        return pages.isPopulated();
    }

    /** Pages in the cache. */
    public long cachedPages() {
        return pages.count();
    }

    /**
     * The cached frame of page {@code index} with a reference for the caller, or -1. The frame may be locked and not
     * yet up to date.
     */
    @KernelFunction("filemap_get_folio")
    public long findPage(long index) {
        return pages.find(index);
    }

    /**
     * As {@link #findPage} for {@code count} pages from {@code first} on, into {@code out[0..count)}: -1 where there is
     * none. One lock acquisition, for fault-around.
     *
     * @return how many were found
     */
    @KernelFunction("next_uptodate_folio")
    public int findPages(long first, int count, long[] out) {
        return pages.find(first, count, out);
    }

    /** Whether page {@code index} is cached, up to date or not. */
    boolean isPresent(long index) {
        return pages.isPresent(index);
    }

    /** Whether page {@code index} is cached and up to date: what mincore(2) shows. Takes no reference. */
    @KernelFunction("filemap_get_incore_folio")
    public boolean isCached(long index) {
        return pages.isUpToDate(index);
    }

    /**
     * Page {@code index}, up to date, with a reference for the caller; read from the backing store if need be, with its
     * neighbours. The page is not locked: a caller that enters it into a page table locks it and looks again.
     *
     * @param index page number
     * @param mayWait whether waiting for a page that another task is reading is allowed
     * @param readAround whether neighbours are worth reading too
     * @return the frame number, with {@link #WAS_READ} added when the backing store was read; or -ENOMEM; -EIO; -ENXIO
     *     beyond the end of the file; -EAGAIN if {@code mayWait} is false and the page is locked
     */
    @KernelFunction("filemap_fault")
    @Injectable(value = "mm/file/read", error = -Errno.EIO)
    public long readPage(long index, boolean mayWait, boolean readAround) {
        long read = 0;
        for (; ; ) {
            long pfn = findPage(index);
            if (pfn < 0) {
                int error = PageReader.readAround(this, index, readAround && !tmpfs ? READ_AROUND : 1);
                if (error < 0) {
                    return error == -Errno.ENOMEM || error == -Errno.ENXIO ? error : -Errno.EIO;
                }
                read = error == PageReader.FROM_SWAP || !tmpfs ? WAS_READ : 0;
                continue;
            }
            if (frames.test(pfn, PageFlags.UPTODATE)) {
                return pfn | read;
            }
            if (mayWait) {
                // Somebody is reading it: afterwards it is valid, or gone because it cannot be read.
                cache.lockPage(pfn);
                cache.unlockPage(pfn);
            }
            cache.allocator().putPage(pfn);
            if (!mayWait) {
                return -Errno.EAGAIN;
            }
        }
    }

    /** Added to the result of {@link #readPage} when the backing store, or swap, was read: the fault is a major one. */
    public static final long WAS_READ = 1L << 52;

    /**
     * Enters a frame that has its content, as page {@code index} of shared memory.
     *
     * @return 0, the cache having a reference of its own; -EEXIST when the page is there already; -ENOMEM
     */
    @KernelFunction(value = "shmem_mfill_atomic_pte", file = "mm/shmem.c")
    public int insertPage(long index, long pfn) {
        cache.lockPage(pfn);
        frames.set(pfn, PageFlags.UPTODATE);
        int error = addPage(index, pfn);
        if (error != 0) {
            frames.clear(pfn, PageFlags.UPTODATE);
        }
        cache.unlockPage(pfn);
        return error;
    }

    /** Enters a locked frame: see {@link CachedPages#add}. */
    int addPage(long index, long pfn) {
        return pages.add(index, pfn);
    }

    /**
     * Takes the locked frame out of the cache and drops the cache's reference; the caller holds one of its own. Dirt is
     * forgotten.
     */
    @KernelFunction("filemap_remove_folio")
    public void removeLocked(long pfn) {
        pages.remove(pfn);
        cache.allocator().putPage(pfn);
    }

    /**
     * As {@link #removeLocked} for reclaim: only if the page is clean, and nobody but the cache and the caller refers
     * to it. New references come from the cache, under the same lock, so none can slip in between.
     *
     * @return whether the page left the cache; the caller's reference is the last then
     */
    @KernelFunction("remove_mapping")
    @RequiresLock("PAGE_LOCK")
    public boolean removeIfUnused(long pfn) {
        if (!pages.removeIfUnused(pfn)) {
            return false;
        }
        cache.allocator().putPage(pfn);
        return true;
    }

    /** Which frames hold the pages. */
    CachedPages pages() {
        return pages;
    }

    /** The next page from {@code from} on in a swap slot that {@code wanted} says yes to; -1 when there is none. */
    @KernelFunction("shmem_find_swap_entries")
    public long nextSwapped(long from, LongPredicate wanted) {
        return pages.nextSwapped(from, wanted);
    }

    /** How many of {@code count} pages from {@code first} on of this memory file are in swap. */
    @KernelFunction("shmem_partial_swap_usage")
    public long swappedPages(long first, long count) {
        return shmem && pages.swapped() != 0 ? pages.swapped(first, first + count - 1) : 0;
    }

    /**
     * The locked page of this memory file, which the caller holds a reference on and has written to swap slot {@code
     * slot} since it was last marked dirty, leaves memory if nobody else refers to it.
     *
     * @return whether it did; the caller's reference is the last then, and the slot is this file's
     */
    @KernelFunction("shmem_writeout")
    @RequiresLock("PAGE_LOCK")
    public boolean swapOut(long pfn, long slot) {
        if (!pages.swapOut(pfn, slot)) {
            return false;
        }
        cache.allocator().putPage(pfn);
        return true;
    }

    /** Forgets page {@code index} if it is in swap. @return whether it was */
    boolean dropSwapped(long index) {
        long slot = pages.dropSwapped(index);
        if (slot != 0) {
            cache.swap().freeSlot(slot);
        }
        return slot != 0;
    }

    /** The next index that is cached or in swap from {@code from} to {@code last} inclusive, or -1. */
    public long nextCached(long from, long last) {
        return pages.next(from, last);
    }

    /** The next dirty index from {@code from} to {@code last} inclusive, or -1. */
    long nextDirty(long from, long last) {
        return pages.nextDirty(from, last);
    }

    // ---- dirt and write-back ----

    /**
     * The frame's content differs from the backing store. Callable under a page-table lock: a page-table entry's dirty
     * bit is passed on here when the entry goes.
     *
     * @return whether the page was clean before
     */
    @KernelFunction("filemap_dirty_folio")
    public boolean setPageDirty(long pfn) {
        return pages.setDirty(pfn);
    }

    /** Takes dirt off the locked page, to write it; returns whether there was any. */
    @KernelFunction("folio_clear_dirty_for_io")
    public boolean clearPageDirty(long pfn) {
        return pages.clearDirty(pfn);
    }

    /**
     * Writes the dirty pages of a byte range to the backing store and waits for it (msync(2), fsync(2)).
     *
     * @param start first byte
     * @param end first byte behind; {@code Long.MAX_VALUE} for all
     * @return 0, or -EIO or another -errno when any page could not be written since this was last asked
     */
    @KernelFunction("file_write_and_wait_range")
    public int writeback(long start, long end) {
        return store.isShmem() ? 0 : writeback.range(start >>> Page.SHIFT, end - 1 >>> Page.SHIFT);
    }

    /**
     * Writes page {@code index} to the backing store if it is cached and dirty, so that its frame can be reclaimed.
     * Does not wait for a page that is locked: the caller may have others locked. An error is kept for the next {@link
     * #writeback}.
     */
    @KernelFunction("pageout")
    public void launder(long index) {
        long pfn = findPage(index);
        if (pfn < 0) {
            return;
        }
        if (cache.tryLockPage(pfn)) {
            if (frames.mapping(pfn) == this) {
                writeback.writeLocked(index, pfn, true);
            }
            cache.unlockPage(pfn);
        }
        cache.allocator().putPage(pfn);
    }

    Writeback writebackState() {
        return writeback;
    }

    /**
     * Writes back what is dirty and drops every page that nobody maps, for a file that nobody has open any more.
     *
     * <p>swapoff(2) may be about to bring a page of a memory file back: it finds that the file has become shorter
     * ({@code SwapoffTest}: a file ends).
     *
     * @return 0, or -errno of a page that could not be written; such pages are dropped too, as there is nobody to tell
     */
    @KernelFunction("evict_inode")
    public int evict() {
        if (shmem) {
            size = 0;
            Truncation.dropRange(this, 0, Long.MAX_VALUE >>> Page.SHIFT, true);
            return 0;
        }
        int rc = writeback(0, Long.MAX_VALUE);
        Truncation.invalidateUnmapped(this);
        return rc;
    }

    /** Pages that differ from the backing store, as far as faults and unmapping have told. */
    public long dirtyPages() {
        return pages.dirtyCount();
    }

    // ---- size and contents as system calls change them ----

    /**
     * Changes the size of the file, downwards also what is cached and mapped beyond (ftruncate(2), open with O_TRUNC).
     *
     * @param newSize bytes
     * @param host changes the file itself, called once in the middle with the new size; returns 0 or -errno, upon
     *     which nothing has changed. Null if there is nothing but memory
     * @return 0 or what {@code host} returned
     */
    @KernelFunction("truncate_setsize")
    public int truncate(long newSize, HostResize host) {
        return new Truncation(this, newSize).run(host);
    }

    /** As {@link #truncate(long, HostResize)} when the file itself has been resized already, or has no home. */
    public int truncate(long newSize) {
        return truncate(newSize, null);
    }

    /**
     * Frees pages {@code [firstPage, firstPage + count)}: they read as zeros from now on, the size stays (MADV_REMOVE).
     *
     * @return 0 or -errno of the backing store, -EOPNOTSUPP where it knows no holes
     */
    @KernelFunction("vfs_fallocate")
    public int punchHole(long firstPage, long count) {
        inodeLock.writeLock();
        try {
            int rc = store.punchHole(firstPage, count);
            if (rc >= 0 && !store.hasHugePages()) {
                Truncation.dropRange(this, firstPage, firstPage + count - 1, false);
            }
            return Math.min(rc, 0);
        } finally {
            inodeLock.writeUnlock();
        }
    }

    /**
     * Forgets cached pages {@code [firstPage, firstPage + count)} with their dirt, after their content has been changed
     * in the file itself. Private copies stay.
     */
    @KernelFunction("truncate_pagecache_range")
    public void dropPages(long firstPage, long count) {
        inodeLock.writeLock();
        try {
            Truncation.dropRange(this, firstPage, firstPage + count - 1, false);
        } finally {
            inodeLock.writeUnlock();
        }
    }

    /**
     * Writes {@code len} bytes to the file at {@code pos}, and into the pages of it that are cached, so that mappings
     * and read(2) see them (write(2)).
     *
     * @param host writes to the file itself: {@code len} bytes of {@code src} at {@code pos}; returns how many, or
     *     -errno. Null for files that are memory only
     * @return bytes written, or -errno
     */
    @KernelFunction("generic_file_write_iter")
    public long writeThrough(long pos, MemorySegment src, long len, HostWrite host) {
        return CachedIo.write(this, pos, src, len, host);
    }

    /**
     * Copies what is cached of the file from {@code pos} on into {@code dst}, up to the first page that is not cached,
     * the end of the file, or {@code len} bytes (read(2)).
     *
     * @return bytes copied; 0 when the page of {@code pos} is not cached or {@code pos} is at or beyond the end;
     *     -ENOMEM or -EIO when the first page of a memory file cannot be brought back from swap
     */
    @KernelFunction("filemap_read")
    public long readCached(long pos, MemorySegment dst, long len) {
        return CachedIo.read(this, pos, dst, len);
    }

    /**
     * How many bytes from {@code pos} on, at most {@code max}, lie before the next cached page: to be read from the
     * host.
     */
    public long uncachedRun(long pos, long max) {
        if (!pages.isPopulated()) {
            return max;
        }
        long next = nextCached(pos >>> Page.SHIFT, pos + max - 1 >>> Page.SHIFT);
        return next < 0 ? max : Math.max(0, (next << Page.SHIFT) - pos);
    }

    // ---- mappings ----

    /** The mappings of this file. */
    public FileAreas areas() {
        return areas;
    }

    /** The lock of size changes and write(2); outside the page lock. */
    public RwSemaphore inodeLock() {
        return inodeLock;
    }
}
