package faultline.mmu.hugetlb;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.file.PageCache;
import faultline.mmu.phys.Page;

/** Takes pages out of a file of huge pages: out of all page tables first, private copies too, then out of the file. */
final class HugetlbRange {
    private static final long LAST_INDEX = Long.MAX_VALUE >>> Page.SHIFT;

    private final HugetlbInode inode;
    private final AddressSpace mapping;
    private final PageCache cache;

    HugetlbRange(HugetlbInode inode) {
        this.inode = inode;
        this.mapping = inode.mapping();
        this.cache = mapping.cache();
    }

    /** Everything from {@code bytes} on goes, promises too; {@code bytes} is a multiple of the page size. */
    @KernelFunction(value = "hugetlb_vmtruncate", file = "fs/hugetlbfs/inode.c")
    @RequiresLock("HUGETLB_LOCK")
    void cut(long bytes) {
        removePages(Page.pfn(bytes), LAST_INDEX);
        long from = inode.number(Page.pfn(bytes));
        inode.unpromise(inode.reserves().remove(from, Long.MAX_VALUE));
    }

    /** Whole pages of a part of the file go, others are filled with zeros as far as they are in it. */
    @KernelFunction(value = "hugetlbfs_punch_hole", file = "fs/hugetlbfs/inode.c")
    @RequiresLock("HUGETLB_LOCK")
    void punch(long offset, long length) {
        long end = offset + length;
        long holeStart = inode.pool().align(offset);
        long holeEnd = end - inode.pool().offsetInPage(end);
        if (offset < holeStart) {
            zeroPart(offset, Math.min(end, holeStart));
        }
        if (end > holeEnd && end > holeStart) {
            zeroPart(holeEnd, end);
        }
        if (holeEnd > holeStart) {
            removePages(Page.pfn(holeStart), Page.pfn(holeEnd) - 1);
        }
    }

    @KernelFunction(value = "hugetlbfs_zero_partial_page", file = "fs/hugetlbfs/inode.c")
    private void zeroPart(long from, long to) {
        long head = inode.find(Page.pfn(from));
        if (head < 0) {
            return;
        }
        long start = Page.address(head) + inode.pool().offsetInPage(from);
        cache.phys().zero(start, to - from);
        for (long pfn = Page.pfn(start); pfn <= Page.pfn(start + (to - from) - 1); pfn++) {
            cache.instructionCache().flushFrame(pfn);
        }
        cache.allocator().putPage(head);
    }

    /** @param first a multiple of a page's frames */
    @KernelFunction(value = "remove_inode_hugepages", file = "fs/hugetlbfs/inode.c")
    private void removePages(long first, long last) {
        cache.walker().unmapMappingPages(mapping, first, last, true);
        for (long at = mapping.nextCached(first, last);
                at >= 0;
                at = mapping.nextCached(at + inode.pool().frames(), last)) {
            long head = mapping.findPage(at);
            cache.lockPage(head);
            mapping.removeLocked(head);
            cache.unlockPage(head);
            cache.allocator().putPage(head);
        }
    }
}
