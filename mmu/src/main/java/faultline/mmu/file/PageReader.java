package faultline.mmu.file;

import faultline.mmu.Errno;
import faultline.mmu.phys.FrameAllocator;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.phys.PhysicalMemory;

/**
 * Brings pages of a file into its cache.
 *
 * <p>Frames are taken and entered locked, one a page, until a page that is cached already, the end of the file or the end
 * of the window; then runs of neighbouring frames are read with one call each. Frames of one batch mostly lie side by
 * side, so a window mostly is one read and no copy.
 */
final class PageReader {
    private PageReader() {}

    /**
     * Reads the aligned window of {@code window} pages that holds page {@code index}, as far as it is absent.
     *
     * @return 0 if page {@code index} is in the cache now (perhaps by another's doing, perhaps not up to date); -ENOMEM; -ENXIO
     *     beyond the end
     */
    static int readAround(AddressSpace mapping, long index, int window) {
        long start = index & -window;
        long end = Math.max(index + 1, Math.min(start + window, mapping.sizePages()));
        while (start < index && mapping.isPresent(start)) {
            start++;
        }
        long[] batch = new long[(int) (end - start)];
        int n = 0;
        for (long at = start; at < end; at++) {
            long pfn = enterLocked(mapping, at);
            if (pfn < 0 && pfn != -Errno.EEXIST && at <= index) {
                return finish(mapping, start, batch, n, (int) pfn);
            }
            if (pfn < 0 && at <= index) {
                // A neighbour that is there already ends the run before it; begin anew behind it.
                finish(mapping, start, batch, n, 0);
                start = at + 1;
                n = 0;
                continue;
            }
            if (pfn < 0) {
                break;
            }
            batch[n++] = pfn;
        }
        return finish(mapping, start, batch, n, 0);
    }

    private static long enterLocked(AddressSpace mapping, long index) {
        PageCache cache = mapping.cache();
        FrameAllocator allocator = cache.allocator();
        long pfn = allocator.allocPage();
        if (pfn < 0) {
            return -Errno.ENOMEM;
        }
        if (!cache.tryLockPage(pfn)) {
            throw new IllegalStateException("fresh frame " + pfn + " is locked");
        }
        int error = mapping.addPage(index, pfn);
        if (error == 0) {
            return pfn;
        }
        cache.unlockPage(pfn);
        allocator.putPage(pfn);
        return error;
    }

    /** Fills the frames {@code batch[0..n)} of pages {@code start..}, unlocks them and drops this reader's references. */
    private static int finish(AddressSpace mapping, long start, long[] batch, int n, int result) {
        for (int from = 0; from < n; ) {
            int to = from + 1;
            while (to < n && batch[to] == batch[to - 1] + 1) {
                to++;
            }
            fill(mapping, start + from, batch[from], to - from);
            from = to;
        }
        PageCache cache = mapping.cache();
        for (int i = 0; i < n; i++) {
            cache.unlockPage(batch[i]);
            cache.allocator().putPage(batch[i]);
        }
        return result;
    }

    /** Reads {@code count} pages into as many frames side by side; zeros what lies beyond the end. */
    private static void fill(AddressSpace mapping, long index, long pfn, int count) {
        PhysicalMemory phys = mapping.cache().phys();
        FrameTable frames = mapping.cache().frames();
        long bytes = (long) count << Page.SHIFT;
        long pa = pfn << Page.SHIFT;
        int got = mapping.isShmem() ? 0 : mapping.store().readPages(index, count, phys.segment().asSlice(pa, bytes));
        if (got < 0) {
            return; // left not up to date: whoever waits for the page takes it out and reports EIO
        }
        if (got < bytes) {
            phys.zero(pa + got, bytes - got);
        }
        for (int i = 0; i < count; i++) {
            mapping.cache().instructionCache().flushFrame(pfn + i);
            frames.set(pfn + i, PageFlags.UPTODATE);
        }
    }
}
