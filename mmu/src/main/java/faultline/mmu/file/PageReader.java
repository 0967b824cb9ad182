package faultline.mmu.file;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.phys.FrameAllocator;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.phys.PhysicalMemory;

/**
 * Brings pages of a file into its cache.
 *
 * <p>Frames are taken and entered locked, one a page, until a page that is cached already, the end of the file or the
 * end of the window; then runs of neighbouring frames are read with one call each. Frames of one batch mostly lie side
 * by side, so a window mostly is one read and no copy.
 */
final class PageReader {
    /** Instead of 0: the page was in swap. */
    static final int FROM_SWAP = 1;

    private final AddressSpace mapping;
    private final PageCache cache;
    private final FrameAllocator allocator;
    private final long wanted;
    /** Frames entered and locked, of pages {@code first} and following. */
    private final long[] batch;

    private long first;
    private int count;
    private int result;

    private PageReader(AddressSpace mapping, long wanted, long first, long end) {
        this.mapping = mapping;
        this.cache = mapping.cache();
        this.allocator = cache.allocator();
        this.wanted = wanted;
        this.first = first;
        this.batch = new long[(int) (end - first)];
    }

    /**
     * Reads the aligned window of {@code window} pages that holds page {@code index}, as far as it is absent.
     *
     * @return 0, or {@link #FROM_SWAP}, if page {@code index} was in the cache when looked for, by this or another's
     *     doing; -ENOMEM; -ENXIO beyond the end; another -errno of the backing store, upon which the page is not in the
     *     cache
     */
    static int readAround(AddressSpace mapping, long index, int window) {
        if (index >= mapping.sizePages()) {
            return -Errno.ENXIO;
        }
        long start = index & -window;
        long end = Math.max(index + 1, Math.min(start + window, mapping.sizePages()));
        while (start < index && mapping.isPresent(start)) {
            start++;
        }
        return new PageReader(mapping, index, start, end).run(end);
    }

    private int run(long end) {
        for (long at = first; at < end; at++) {
            long pfn = enterLocked(at);
            if (pfn >= 0) {
                batch[count++] = pfn;
            } else if (at > wanted) {
                break; // whatever is in the way, we have what is wanted
            } else if (pfn == -Errno.EEXIST) {
                // A neighbour that is there already ends the run before it; begin anew behind it.
                readBatch();
                first = at + 1;
            } else {
                result = (int) pfn;
                break;
            }
        }
        readBatch();
        return result;
    }

    private long enterLocked(long index) {
        int flags = mapping.isShmem() ? PageFlags.LRU | PageFlags.SWAPBACKED : PageFlags.LRU;
        long pfn = cache.memCgroups().chargedToCurrent(allocator.allocPage(flags));
        if (pfn < 0) {
            return -Errno.ENOMEM;
        }
        // Ours alone, but on reclaim's lists already: reclaim may look at it just now, and has it locked meanwhile
        // (FreshFrameTest).
        cache.lockPage(pfn);
        int error = mapping.addPage(index, pfn);
        if (error == 0) {
            return pfn;
        }
        cache.unlockPage(pfn);
        allocator.putPage(pfn);
        return error;
    }

    /** Fills the frames entered so far, unlocks them and drops this reader's references. */
    private void readBatch() {
        for (int from = 0; from < count; ) {
            int to = from + 1;
            while (to < count && batch[to] == batch[to - 1] + 1) {
                to++;
            }
            fill(first + from, batch[from], to - from);
            from = to;
        }
        for (int i = 0; i < count; i++) {
            cache.unlockPage(batch[i]);
            allocator.putPage(batch[i]);
        }
        count = 0;
    }

    /** Reads pages into frames side by side; one by one where reading them together fails. */
    private void fill(long index, long pfn, int pages) {
        int error = read(index, pfn, pages);
        if (error != 0 && pages > 1) {
            for (int i = 0; i < pages; i++) {
                fill(index + i, pfn + i, 1);
            }
        } else if (error != 0) {
            // Nobody may find a page that cannot be read; whoever waits for it sees that it is gone and tries for
            // itself.
            if (mapping.isShmem()) {
                mapping.pages().swapBack(pfn);
                allocator.putPage(pfn);
            } else {
                mapping.removeLocked(pfn);
            }
            if (index == wanted) {
                result = error;
            }
        }
    }

    private int read(long index, long pfn, int pages) {
        PhysicalMemory phys = cache.phys();
        long bytes = Page.address(pages);
        long pa = Page.address(pfn);
        long slot = mapping.isShmem() ? cache.frames().privateData(pfn) : 0;
        if (slot != 0) {
            return readSwapped(slot, pfn);
        }
        int got = mapping.isShmem()
                ? 0
                : mapping.store().readPages(index, pages, phys.segment().asSlice(pa, bytes));
        if (got < 0) {
            return got;
        }
        if (got < bytes) {
            phys.zero(pa + got, bytes - got);
        }
        for (int i = 0; i < pages; i++) {
            cache.instructionCache().flushFrame(pfn + i);
            cache.frames().set(pfn + i, PageFlags.UPTODATE);
        }
        return 0;
    }

    @KernelFunction(value = "shmem_swapin_folio", file = "mm/shmem.c")
    private int readSwapped(long slot, long pfn) {
        int error = cache.swap().readPage(slot, pfn);
        if (error == 0) {
            cache.frames().setPrivateData(pfn, 0);
            cache.swap().freeSlot(slot);
            cache.instructionCache().flushFrame(pfn);
            cache.frames().set(pfn, PageFlags.UPTODATE);
            mapping.setPageDirty(pfn); // it is stored nowhere any more
            result = FROM_SWAP;
        }
        return error;
    }
}
