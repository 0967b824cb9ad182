package faultline.emulator.fs;

import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.phys.Page;

/**
 * fallocate(2) of a file with cached pages: what is dirty is written first, the host does the work, and cached pages
 * whose content it changed are dropped or cleared.
 */
final class CachedAllocate {
    private static final int PUNCH_HOLE = 0x02;
    private static final int COLLAPSE_RANGE = 0x08;
    private static final int ZERO_RANGE = 0x10;
    private static final int INSERT_RANGE = 0x20;

    private CachedAllocate() {}

    static long run(AddressSpace mapping, int fd, int mode, long offset, long length) {
        boolean rewrites = (mode & (PUNCH_HOLE | COLLAPSE_RANGE | ZERO_RANGE | INSERT_RANGE)) != 0;
        if (rewrites) {
            long r = mapping.writeback(0, Long.MAX_VALUE);
            if (r < 0) {
                return r;
            }
        }
        long r = Libc.call(Nr.FALLOCATE, fd, mode, offset, length);
        if (r < 0) {
            return r;
        }
        if (rewrites) {
            boolean shifts = (mode & (COLLAPSE_RANGE | INSERT_RANGE)) != 0;
            long first = offset >>> Page.SHIFT;
            long last = shifts ? mapping.sizePages() : offset + length - 1 >>> Page.SHIFT;
            boolean keepsFirst = !shifts && (offset & Page.SIZE - 1) != 0 && mapping.isCached(first);
            boolean keepsLast = !shifts && (offset + length & Page.SIZE - 1) != 0 && mapping.isCached(last);
            // Partial pages at the edges are dropped whole and read anew: their other bytes are on the host by now.
            mapping.dropPages(first, last - first + 1);
            if (keepsFirst) {
                readAnew(mapping, first);
            }
            if (keepsLast) {
                readAnew(mapping, last);
            }
        }
        mapping.refreshSize();
        return 0;
    }

    /**
     * A page that was there stays there, as mincore(2) and userfaultfd see it; one that cannot be read is not missed.
     * That of a tmpfs is one that has been written to from now on (shmem_undo_range).
     */
    private static void readAnew(AddressSpace mapping, long index) {
        long found = mapping.readPage(index, true, false);
        if (found >= 0) {
            long pfn = found & ~AddressSpace.WAS_READ;
            if (mapping.isTmpfs()) {
                mapping.setPageDirty(pfn);
            }
            mapping.cache().allocator().putPage(pfn);
        }
    }
}
