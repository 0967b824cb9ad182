package faultline.mmu.file;

import faultline.mmu.Errno;
import faultline.mmu.annotation.Injectable;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.phys.Page;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Writes dirty pages of one file to its backing store.
 *
 * <p>For each page, under its lock: take the dirty mark off, write-protect and clean every page-table entry that shows
 * it, then write. A store that comes after faults, and marks the page again; a store that came before is in what is
 * written. So nothing is lost whenever it comes.
 */
final class Writeback {
    private final AddressSpace mapping;
    /** The first error since it was last reported (Linux: {@code errseq_t} of the mapping). */
    private final AtomicInteger error = new AtomicInteger();
    /** Pages whose write-back has begun, and has ended; write(2) compares them (see {@link CachedIo}). */
    private final AtomicLong begun = new AtomicLong();

    private final AtomicLong ended = new AtomicLong();

    Writeback(AddressSpace mapping) {
        this.mapping = mapping;
    }

    long begun() {
        return begun.get();
    }

    long ended() {
        return ended.get();
    }

    /** Writes dirty pages {@code first} to {@code last} inclusive; 0 or the first -errno since the last report. */
    @KernelFunction("write_cache_pages")
    int range(long first, long last) {
        // Searched once for all pages, and not for each of them.
        mapping.cache().walker().mkcleanNonlinear(mapping, first, last);
        for (long at = first; at <= last; at++) {
            at = mapping.nextDirty(at, last);
            if (at < 0) {
                break;
            }
            writePage(at);
        }
        return error.getAndSet(0);
    }

    private void writePage(long index) {
        PageCache cache = mapping.cache();
        long pfn = mapping.findPage(index);
        if (pfn < 0) {
            return; // truncated meanwhile
        }
        cache.lockPage(pfn);
        if (cache.frames().mapping(pfn) == mapping) {
            writeLocked(index, pfn, false);
        }
        cache.unlockPage(pfn);
        cache.allocator().putPage(pfn);
    }

    /**
     * Writes the locked page if it is dirty; an error is kept for the next report, as Linux keeps it.
     *
     * @param nonlinear whether nonlinear mappings are still to be searched for it
     */
    void writeLocked(long index, long pfn, boolean nonlinear) {
        begun.incrementAndGet();
        if (mapping.clearPageDirty(pfn)) {
            writeCleaned(index, pfn, nonlinear);
        }
        ended.incrementAndGet();
    }

    private void writeCleaned(long index, long pfn, boolean nonlinear) {
        mapping.cache().walker().mkclean(mapping, pfn, nonlinear);
        long bytes = Math.min(Page.SIZE, mapping.size() - (index << Page.SHIFT));
        if (bytes <= 0) {
            return;
        }
        int rc = store(index, pfn, bytes);
        if (rc < 0) {
            error.compareAndSet(0, rc);
        }
    }

    @KernelFunction("do_writepages")
    @Injectable(value = "mm/file/write/back", error = -Errno.EIO)
    private int store(long index, long pfn, long bytes) {
        return mapping.store()
                .writePages(index, (int) bytes, mapping.cache().phys().segment().asSlice(pfn << Page.SHIFT, bytes));
    }
}
