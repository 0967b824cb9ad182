package faultline.mmu.file;

import faultline.mmu.Errno;
import faultline.mmu.annotation.Injectable;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PageFlags;
import java.lang.foreign.MemorySegment;

/**
 * read(2) and write(2) against the page cache, so that they and the mappings of the file see one truth.
 *
 * <p>The file itself lies on the host; a page is cached only once it was mapped (or belongs to memory only). Reading
 * takes from the cache what is there. Writing goes to the host first and then into the pages that are cached, under the
 * inode lock, so that two writes reach both in one order. Two races are left, both harmless:
 *
 * <ul>
 *   <li>a fault reads the page from the host while we write there: it holds the page lock while it reads, so we find
 *       the page afterwards, wait for it and write our bytes over;
 *   <li>write-back writes the page's old bytes over ours on the host, before we reach the page: then it has begun, and
 *       had not ended when we looked first, and the page is marked dirty so that it is written once more.
 * </ul>
 */
final class CachedIo {
    private CachedIo() {}

    static long read(AddressSpace mapping, long pos, MemorySegment dst, long len) {
        long done = 0;
        long end = Math.min(mapping.size(), pos + len);
        while (pos + done < end) {
            long at = pos + done;
            long pfn = mapping.pages().findOrSwapped(at >>> Page.SHIFT);
            if (pfn == CachedPages.SWAPPED) {
                pfn = mapping.readPage(at >>> Page.SHIFT, true, false);
                if (pfn < 0) {
                    return done == 0 && pfn != -Errno.ENXIO ? pfn : done;
                }
                pfn &= ~AddressSpace.WAS_READ;
            }
            if (pfn < 0 && !mapping.isShmem()) {
                break;
            }
            int within = (int) Page.offset(at);
            long n = Math.min(Page.SIZE - within, end - at);
            if (pfn < 0) {
                dst.asSlice(done, n).fill((byte) 0); // a hole of a file that is memory only
            } else {
                boolean valid = copyOut(mapping, pfn, within, dst, done, n);
                mapping.cache().allocator().putPage(pfn);
                if (!valid) {
                    break;
                }
            }
            done += n;
        }
        return done;
    }

    private static boolean copyOut(AddressSpace mapping, long pfn, int within, MemorySegment dst, long off, long n) {
        FrameTable frames = mapping.cache().frames();
        if (!frames.test(pfn, PageFlags.UPTODATE)) {
            mapping.cache().lockPage(pfn); // wait for whoever reads it
            mapping.cache().unlockPage(pfn);
            if (!frames.test(pfn, PageFlags.UPTODATE)) {
                return false;
            }
        }
        MemorySegment ram = mapping.cache().phys().segment();
        MemorySegment.copy(ram, (pfn << Page.SHIFT) + within, dst, off, n);
        return true;
    }

    /** As write(2) on one file: bytes written, or -errno with nothing changed. */
    @KernelFunction("generic_perform_write")
    @Injectable(value = "mm/file/write", error = -Errno.EIO)
    static long write(AddressSpace mapping, long pos, MemorySegment src, long len, HostWrite host) {
        mapping.inodeLock().writeLock();
        try {
            return mapping.isShmem() ? writeMemory(mapping, pos, src, len) : writeHost(mapping, pos, src, len, host);
        } finally {
            mapping.inodeLock().writeUnlock();
        }
    }

    private static long writeHost(AddressSpace mapping, long pos, MemorySegment src, long len, HostWrite host) {
        long ended = mapping.writebackState().ended();
        long written = host.write(pos, src, len);
        if (written <= 0) {
            return written;
        }
        if (pos + written > mapping.size()) {
            mapping.setSize(pos + written);
        }
        long last = pos + written - 1 >>> Page.SHIFT;
        for (long at = nextPage(mapping, pos >>> Page.SHIFT, last); at >= 0; at = nextPage(mapping, at + 1, last)) {
            long pfn = mapping.findPage(at);
            if (pfn >= 0) {
                overwrite(mapping, at, pfn, pos, src, written, ended);
                mapping.cache().allocator().putPage(pfn);
            }
        }
        return written;
    }

    private static long nextPage(AddressSpace mapping, long from, long last) {
        return mapping.hasPages() && from <= last ? mapping.nextCached(from, last) : -1;
    }

    private static void overwrite(
            AddressSpace mapping, long index, long pfn, long pos, MemorySegment src, long len, long ended) {
        PageCache cache = mapping.cache();
        cache.lockPage(pfn);
        if (cache.frames().mapping(pfn) == mapping && cache.frames().test(pfn, PageFlags.UPTODATE)) {
            copyIn(mapping, index, pfn, pos, src, len);
            if (mapping.writebackState().begun() != ended) {
                mapping.setPageDirty(pfn);
            }
        }
        cache.unlockPage(pfn);
    }

    /**
     * Copies what of {@code src}, which stands for bytes {@code pos..pos+len} of the file, falls into page {@code
     * index}.
     */
    @KernelFunction("copy_folio_from_iter_atomic")
    private static long copyIn(AddressSpace mapping, long index, long pfn, long pos, MemorySegment src, long len) {
        long pageStart = index << Page.SHIFT;
        long from = Math.max(pageStart, pos);
        long to = Math.min(pageStart + Page.SIZE, pos + len);
        MemorySegment ram = mapping.cache().phys().segment();
        MemorySegment.copy(src, from - pos, ram, (pfn << Page.SHIFT) + (from - pageStart), to - from);
        mapping.cache().instructionCache().flushFrame(pfn);
        return to - from;
    }

    @KernelFunction("shmem_file_write_iter")
    private static long writeMemory(AddressSpace mapping, long pos, MemorySegment src, long len) {
        PageCache cache = mapping.cache();
        long oldSize = mapping.size();
        if (pos + len > oldSize) {
            mapping.setSize(pos + len); // pages enter the cache below the end only
        }
        long done = 0;
        while (done < len) {
            long index = pos + done >>> Page.SHIFT;
            long pfn = mapping.readPage(index, true, false);
            if (pfn < 0) {
                mapping.setSize(Math.max(oldSize, done == 0 ? 0 : pos + done));
                return done > 0 ? done : pfn;
            }
            pfn &= ~AddressSpace.WAS_READ;
            cache.lockPage(pfn);
            if (cache.frames().mapping(pfn) == mapping) {
                done += copyIn(mapping, index, pfn, pos + done, src.asSlice(done), len - done);
                mapping.setPageDirty(pfn);
            }
            cache.unlockPage(pfn);
            cache.allocator().putPage(pfn);
        }
        return done;
    }
}
