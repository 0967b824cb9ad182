package faultline.mmu.file;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PhysicalMemory;

/**
 * One change of a file's size.
 *
 * <p>Downwards, in this order, so that no fault can bring back what is going:
 *
 * <ol>
 *   <li>the new size is set: faults beyond it end in SIGBUS from now on, write-back writes no further;
 *   <li>pages beyond it that are locked (being written back by the old size) are waited for, then the file itself is
 *   cut;
 *   <li>page tables are cleared, private copies too;
 *   <li>each page is locked, taken out of page tables once more if a fault was quicker, and leaves the cache; the tail
 *   of
 *       the last page that stays is zeroed;
 *   <li>page tables are cleared again: a copy-on-write fault may have finished its private copy since.
 * </ol>
 */
@KernelFunction("truncate_setsize")
final class Truncation {
    private final AddressSpace mapping;
    private final long newSize;

    Truncation(AddressSpace mapping, long newSize) {
        this.mapping = mapping;
        this.newSize = newSize;
    }

    int run(HostResize host) {
        mapping.inodeLock().writeLock();
        try {
            return newSize < mapping.size() || host == null ? shrinkOrSet(host) : grow(host);
        } finally {
            mapping.inodeLock().writeUnlock();
        }
    }

    private int grow(HostResize host) {
        long oldSize = mapping.size();
        int rc = host.resize(newSize);
        if (rc >= 0) {
            mapping.setSize(newSize);
            protectStraddling(oldSize);
        }
        return rc;
    }

    /**
     * The page in which the file ended has more blocks now that have no room yet: the next write through a mapping has
     * to ask for it.
     */
    @KernelFunction(value = "pagecache_isize_extended", file = "mm/truncate.c")
    private void protectStraddling(long oldSize) {
        if (Page.offset(oldSize) == 0 || mapping.store().blockBytes() >= Page.SIZE) {
            return;
        }
        long index = oldSize >>> Page.SHIFT;
        long pfn = mapping.findPage(index);
        if (pfn < 0) {
            return;
        }
        PageCache cache = mapping.cache();
        cache.lockPage(pfn);
        if (cache.frames().mapping(pfn) == mapping && cache.walker().mkclean(mapping, pfn, true) != 0) {
            mapping.setPageDirty(pfn);
        }
        cache.unlockPage(pfn);
        cache.allocator().putPage(pfn);
    }

    private int shrinkOrSet(HostResize host) {
        long oldSize = mapping.size();
        mapping.setSize(newSize);
        settleLockedPages();
        int rc = host == null ? 0 : host.resize(newSize);
        if (rc < 0) {
            mapping.setSize(oldSize);
            return rc;
        }
        if (newSize < oldSize) {
            dropRange(mapping, firstGone(), Long.MAX_VALUE >>> Page.SHIFT, true);
            zeroTail();
        }
        return 0;
    }

    private long firstGone() {
        return newSize + Page.SIZE - 1 >>> Page.SHIFT;
    }

    private void settleLockedPages() {
        long last = Long.MAX_VALUE >>> Page.SHIFT;
        for (long at = mapping.nextCached(newSize >>> Page.SHIFT, last);
                at >= 0;
                at = mapping.nextCached(at + 1, last)) {
            long pfn = mapping.findPage(at);
            if (pfn >= 0) {
                mapping.cache().lockPage(pfn);
                mapping.cache().unlockPage(pfn);
                mapping.cache().allocator().putPage(pfn);
            }
        }
    }

    /**
     * Takes pages {@code first} to {@code last} inclusive out of every page table and out of the cache, with their
     * dirt.
     *
     * @param evenCows private copies go too
     */
    @KernelFunction("truncate_inode_pages_range")
    static void dropRange(AddressSpace mapping, long first, long last, boolean evenCows) {
        MappingWalker walker = mapping.cache().walker();
        walker.unmapMappingPages(mapping, first, last, evenCows);
        for (long at = mapping.nextCached(first, last); at >= 0; at = mapping.nextCached(at + 1, last)) {
            dropPage(mapping, at);
        }
        walker.unmapMappingPages(mapping, first, last, evenCows);
    }

    private static void dropPage(AddressSpace mapping, long index) {
        PageCache cache = mapping.cache();
        FrameTable frames = cache.frames();
        // Between finding and locking it, reclaim may swap a page of a memory file out, or a reader bring it back.
        boolean gone = false;
        while (!gone) {
            long pfn = mapping.pages().findOrSwapped(index);
            if (pfn == CachedPages.SWAPPED) {
                gone = mapping.dropSwapped(index);
                continue;
            }
            if (pfn < 0) {
                return;
            }
            cache.lockPage(pfn);
            if (frames.mapping(pfn) == mapping) {
                if (frames.mapcount(pfn) != 0) {
                    cache.walker().unmapMappingPages(mapping, index, index, false);
                }
                mapping.removeLocked(pfn);
                gone = true;
            }
            cache.unlockPage(pfn);
            cache.allocator().putPage(pfn);
        }
    }

    /** Drops clean pages that no page table shows. */
    @KernelFunction("invalidate_mapping_pages")
    static void invalidateUnmapped(AddressSpace mapping) {
        PageCache cache = mapping.cache();
        long last = Long.MAX_VALUE >>> Page.SHIFT;
        for (long at = mapping.nextCached(0, last); at >= 0; at = mapping.nextCached(at + 1, last)) {
            long pfn = mapping.findPage(at);
            if (pfn < 0) {
                continue;
            }
            cache.lockPage(pfn);
            if (cache.frames().mapping(pfn) == mapping && cache.frames().mapcount(pfn) == 0) {
                mapping.removeLocked(pfn);
            }
            cache.unlockPage(pfn);
            cache.allocator().putPage(pfn);
        }
    }

    /** Bytes of the last page beyond the end become zeros, lest growing the file again shows them. */
    @KernelFunction("truncate_inode_partial_folio")
    private void zeroTail() {
        long within = Page.offset(newSize);
        if (within == 0) {
            return;
        }
        PageCache cache = mapping.cache();
        boolean zeroed = false;
        while (!zeroed) {
            long pfn = lastPage(newSize >>> Page.SHIFT);
            if (pfn < 0) {
                return;
            }
            cache.lockPage(pfn);
            if (cache.frames().mapping(pfn) == mapping) {
                PhysicalMemory phys = cache.phys();
                phys.zero((pfn << Page.SHIFT) + within, Page.SIZE - within);
                cache.instructionCache().flushFrame(pfn);
                if (mapping.isTmpfs()) {
                    mapping.setPageDirty(pfn); // shmem_undo_range
                }
                zeroed = true;
            } else if (!mapping.isShmem()) {
                zeroed = true; // reclaimed: the file itself has been cut
            }
            cache.unlockPage(pfn);
            cache.allocator().putPage(pfn);
        }
    }

    /** The page that the end now lies in, brought back from swap if it is there; -1 when it is in no memory. */
    private long lastPage(long index) {
        long pfn = mapping.pages().findOrSwapped(index);
        if (pfn == CachedPages.SWAPPED) {
            pfn = mapping.readPage(index, true, false);
        }
        return pfn < 0 ? -1 : pfn & ~AddressSpace.WAS_READ;
    }
}
