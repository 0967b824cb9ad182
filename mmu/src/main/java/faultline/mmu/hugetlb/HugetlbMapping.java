package faultline.mmu.hugetlb;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.VmOperations;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.Page;

/**
 * Mappings of huge pages, and whose reservations they use.
 *
 * <p>A private mapping made by mmap(2) has a {@link ReserveMap} as its private data; parts that it is split into share
 * it, each giving up its own range in the end. A forked child's has none. When its owner has had to take a page away
 * from it, to have one for its own copy, it is marked: a fault there ends in SIGBUS rather than in other content.
 */
@KernelFunction(value = "hugetlb_vm_ops", file = "mm/hugetlb.c")
public final class HugetlbMapping implements VmOperations {
    private static final HugetlbMapping HUGE = new HugetlbMapping(Page.PMD_SIZE);
    private static final HugetlbMapping GIGANTIC = new HugetlbMapping(Page.PUD_SIZE);
    /** Private data of a child's mapping that a page was taken away from (HPAGE_RESV_UNMAPPED). */
    private static final Object UNMAPPED = new Object();

    private final long pageSize;

    private HugetlbMapping(long pageSize) {
        this.pageSize = pageSize;
    }

    /**
     * Makes a new, empty area one of huge pages, with what it needs reserved.
     *
     * @param vma of a file that is one of huge pages; in no tree yet
     * @return 0; -EINVAL for a place in the file that is not one of a huge page; -ENOMEM when the pool cannot back it
     */
    @KernelFunction(value = "hugetlbfs_file_mmap", file = "fs/hugetlbfs/inode.c")
    @RequiresLock("MMAP_LOCK")
    public static int mmap(Vma vma) {
        HugetlbInode inode = HugetlbInode.of(vma);
        long end = Page.address(vma.pgoff()) + vma.length();
        if (inode.pool().offsetInPage(Page.address(vma.pgoff())) != 0 || end < vma.length() || vma.pgoff() < 0) {
            return -Errno.EINVAL;
        }
        inode.lock().writeLock();
        try {
            if (!vma.has(VmFlags.NORESERVE) && !reserve(vma, inode)) {
                return -Errno.ENOMEM;
            }
            if (vma.has(VmFlags.WRITE) && inode.mapping().size() < end) {
                inode.setSize(end);
            }
        } finally {
            inode.lock().writeUnlock();
        }
        vma.setOps(inode.pool().isGigantic() ? GIGANTIC : HUGE);
        vma.setFlags(vma.flags() | VmFlags.HUGETLB | VmFlags.DONTEXPAND);
        return 0;
    }

    private static boolean reserve(Vma vma, HugetlbInode inode) {
        long from = inode.number(vma.pgoff());
        long to = inode.number(vma.pgoff() + vma.pages());
        if (vma.has(VmFlags.MAYSHARE)) {
            return inode.reserveLocked(from, to);
        }
        if (!inode.promise(to - from)) {
            return false;
        }
        ReserveMap own = new ReserveMap();
        own.add(from, to);
        vma.setPrivateData(own);
        return true;
    }

    /** Where pages for the mapping may be reserved; null for nowhere. */
    @KernelFunction(value = "vma_resv_map", file = "mm/hugetlb.c")
    @RequiresLock("HUGETLB_LOCK")
    public static ReserveMap promises(Vma vma) {
        return vma.has(VmFlags.MAYSHARE) ? HugetlbInode.of(vma).reserves() : privatePromises(vma);
    }

    /** The reservations of a private mapping; null when it has never had any of its own. */
    public static ReserveMap privatePromises(Vma vma) {
        return vma.privateData() instanceof ReserveMap map ? map : null;
    }

    /** Whether the mapping is private and the one that mmap(2) reserved pages for. */
    @KernelFunction(value = "is_vma_resv_set", file = "mm/hugetlb.c")
    public static boolean isOwner(Vma vma) {
        return privatePromises(vma) != null;
    }

    /** A page was taken away from a mapping that has no reservations. */
    @KernelFunction(value = "set_vma_resv_flags", file = "mm/hugetlb.c")
    public static void markUnmapped(Vma vma) {
        vma.setPrivateData(UNMAPPED);
    }

    /** Whether {@link #markUnmapped} was called. */
    public static boolean isUnmapped(Vma vma) {
        return vma.privateData() == UNMAPPED;
    }

    /**
     * The only mapping of an anonymous page, whose entry has just been cleared and whose reference goes before the
     * file's lock does: its place is reserved again.
     */
    @KernelFunction(value = "vma_add_reservation", file = "mm/hugetlb.c")
    @RequiresLock("HUGETLB_LOCK")
    public static void restore(Vma vma, long index, long head) {
        ReserveMap own = privatePromises(vma);
        HugetlbPool pool = HugetlbInode.of(vma).pool();
        if (own != null && !pool.hasSurplus()) {
            pool.keepPromised(head);
            own.add(HugetlbInode.of(vma).number(index));
        }
    }

    /** What is reserved for the mapping belongs to its copy now: mremap moved all of it. */
    @KernelFunction(value = "clear_vma_resv_huge_pages", file = "mm/hugetlb.c")
    @RequiresLock("MMAP_LOCK")
    public static void forgetPromises(Vma vma) {
        vma.setPrivateData(null);
    }

    @Override
    @KernelFunction(value = "hugetlb_vm_op_close", file = "mm/hugetlb.c")
    public void close(Vma vma) {
        ReserveMap own = privatePromises(vma);
        if (own == null) {
            return;
        }
        HugetlbInode inode = HugetlbInode.of(vma);
        inode.lock().writeLock();
        try {
            long from = inode.number(vma.pgoff());
            inode.unpromise(own.remove(from, inode.number(vma.pgoff() + vma.pages())));
        } finally {
            inode.lock().writeUnlock();
        }
    }

    @Override
    public boolean hasClose() {
        return true;
    }

    @Override
    @KernelFunction(value = "hugetlb_vm_op_split", file = "mm/hugetlb.c")
    public int maySplit(Vma vma, long at) {
        return (at & pageSize - 1) == 0 ? 0 : -Errno.EINVAL;
    }

    @Override
    @KernelFunction(value = "hugetlb_vm_op_pagesize", file = "mm/hugetlb.c")
    public long pageSize() {
        return pageSize;
    }
}
