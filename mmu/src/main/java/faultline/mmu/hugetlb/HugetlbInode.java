package faultline.mmu.hugetlb;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.file.MappedFile;
import faultline.mmu.file.MemoryStore;
import faultline.mmu.lock.LockClass;
import faultline.mmu.lock.LockRank;
import faultline.mmu.lock.RwSemaphore;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.Page;

/**
 * A file whose pages are huge ones of the pool, and live nowhere else: of hugetlbfs, a memfd, a segment, or the
 * nameless one behind an anonymous mapping. The cache of {@link #mapping} holds the heads, at indexes that are
 * multiples of a page's frames.
 *
 * <p>Pages may lie beyond the end (fallocate with KEEP_SIZE), where they cannot be reached but through a file that
 * grows.
 */
@KernelFunction(value = "hugetlbfs_inode_info", file = "include/linux/hugetlb.h")
public final class HugetlbInode extends MemoryStore {
    private static final LockClass LOCK_CLASS = new LockClass("hugetlb", LockRank.HUGETLB_LOCK);

    private final HugetlbPool pool;
    /** Null for a file of no mount with a share of its own. */
    private final HugetlbSubpool subpool;

    private final AddressSpace mapping;
    private final RwSemaphore lock = new RwSemaphore(LOCK_CLASS);
    private final ReserveMap reserves = new ReserveMap();

    /** A file of {@code bytes} bytes without pages or reservations. */
    public HugetlbInode(HugetlbPool pool, long bytes) {
        this(pool, null, bytes);
    }

    /**
     * As {@link #HugetlbInode(HugetlbPool, long)}. @param subpool the share of {@code pool} that pages are taken from;
     * or null
     */
    public HugetlbInode(HugetlbPool pool, HugetlbSubpool subpool, long bytes) {
        this.pool = pool;
        this.subpool = subpool;
        this.mapping = new AddressSpace(pool.cache(), this);
        mapping.setSize(bytes);
        pool.inodes().add(this);
    }

    /** The file behind a mapping of huge pages. */
    @KernelFunction(value = "hstate_vma", file = "include/linux/hugetlb.h")
    public static HugetlbInode of(Vma vma) {
        return of(vma.file());
    }

    /** The file that is open, which {@link MappedFile#isHugetlb}. */
    @KernelFunction(value = "hstate_file", file = "include/linux/hugetlb.h")
    public static HugetlbInode of(MappedFile file) {
        return (HugetlbInode) file.mapping().store();
    }

    /** Number of the huge page that a place in the file belongs to. */
    long number(long index) {
        return index >> pool.order();
    }

    /** Where its pages come from. */
    public HugetlbPool pool() {
        return pool;
    }

    /** Its pages and mappings. */
    public AddressSpace mapping() {
        return mapping;
    }

    /** What is reserved for shared mappings; guarded by {@link #lock}. */
    public ReserveMap reserves() {
        return reserves;
    }

    /** Held over every fault, unmapping and change of pages of the file: see the package. */
    @KernelFunction(value = "hugetlb_fault_mutex_table", file = "mm/hugetlb.c")
    public RwSemaphore lock() {
        return lock;
    }

    /** Huge pages that lie within the file's size as a whole. */
    private long sizePages() {
        return mapping.size() / pool.pageSize();
    }

    /** Whether a fault at this place ends in SIGBUS. */
    @RequiresLock("HUGETLB_LOCK")
    public boolean isBeyondEnd(long index) {
        return number(index) >= sizePages();
    }

    /** Sets the size, pages being none of its business. */
    @KernelFunction("i_size_write")
    @RequiresLock("HUGETLB_LOCK")
    void setSize(long bytes) {
        mapping.setSize(bytes);
    }

    // ---- reservations

    /**
     * Promises pages for a part of the file, to whoever maps it shared.
     *
     * @param from number of the first huge page
     * @param to number behind the last
     * @return false when the pool cannot back those that are not there and not promised yet
     */
    @KernelFunction(value = "hugetlb_reserve_pages", file = "mm/hugetlb.c")
    public boolean reserve(long from, long to) {
        lock.writeLock();
        try {
            return reserveLocked(from, to);
        } finally {
            lock.writeUnlock();
        }
    }

    @RequiresLock("HUGETLB_LOCK")
    boolean reserveLocked(long from, long to) {
        long wanted = 0;
        for (long number = from; number < to; number++) {
            wanted += isMissing(number) ? 1 : 0;
        }
        if (!promise(wanted)) {
            return false;
        }
        for (long number = from; number < to && wanted > 0; number++) {
            if (isMissing(number)) {
                reserves.add(number);
                wanted--;
            }
        }
        return true;
    }

    /**
     * Has {@code pages} pages promised to a mapping of the file. @return false when share or pool cannot: nothing has
     * changed
     */
    @KernelFunction(value = "hugetlb_reserve_pages", file = "mm/hugetlb.c")
    boolean promise(long pages) {
        long ofPool = subpool == null ? pages : subpool.get(pages);
        boolean done = ofPool >= 0 && pool.reserve(ofPool);
        if (ofPool >= 0 && !done && subpool != null) {
            subpool.put(pages);
        }
        return done;
    }

    /** Takes such a promise back. */
    @KernelFunction(value = "hugetlb_unreserve_pages", file = "mm/hugetlb.c")
    void unpromise(long pages) {
        pool.unreserve(subpool == null ? pages : subpool.put(pages));
        if (subpool != null) {
            subpool.endIfUnused();
        }
    }

    private boolean isMissing(long number) {
        return !reserves.contains(number) && !mapping.isCached(number << pool.order());
    }

    // ---- pages

    /** The page at a place, with a reference for the caller; -1 when there is none. */
    @KernelFunction(value = "filemap_lock_hugetlb_folio", file = "include/linux/hugetlb.h")
    @RequiresLock("HUGETLB_LOCK")
    public long find(long index) {
        return mapping.findPage(index & -pool.frames());
    }

    /**
     * A page for a place that has none; its content is undefined.
     *
     * @param promises where one may be reserved; null when the pool's free pages are all that may be had
     * @return its head, with one reference; -1 when the pool has none for this
     */
    @KernelFunction(value = "alloc_hugetlb_folio", file = "mm/hugetlb.c")
    @RequiresLock("HUGETLB_LOCK")
    public long allocate(ReserveMap promises, long index) {
        boolean promised = promises != null && promises.contains(number(index));
        long head = subpool == null ? pool.take(promised) : takeOfShare(promised);
        if (head >= 0 && promised) {
            promises.remove(number(index), number(index) + 1);
        }
        return head;
    }

    private long takeOfShare(boolean promised) {
        long ofPool = promised ? 0 : subpool.get(1);
        long head = ofPool < 0 ? -1 : pool.take(ofPool == 0);
        if (head >= 0) {
            pool.setSubpool(head, subpool);
        } else if (!promised && ofPool >= 0) {
            subpool.put(1);
        }
        return head;
    }

    /** Makes a page of zeros part of the file; the file has a reference of its own then. @return its head, or -1 */
    @KernelFunction(value = "hugetlb_add_to_page_cache", file = "mm/hugetlb.c")
    @RequiresLock("HUGETLB_LOCK")
    public long create(long index) {
        long head = allocate(reserves, index);
        if (head >= 0) {
            pool.zero(head);
            int error = mapping.insertPage(index & -pool.frames(), head);
            if (error != 0) {
                throw new IllegalStateException("huge page " + number(index) + " came to be twice: " + error);
            }
        }
        return head;
    }

    /** The last user of a file without name has gone: its pages and promises go. */
    @KernelFunction(value = "hugetlbfs_evict_inode", file = "fs/hugetlbfs/inode.c")
    public void evict() {
        lock.writeLock();
        try {
            new HugetlbRange(this).cut(0);
        } finally {
            lock.writeUnlock();
        }
        pool.inodes().remove(this);
    }

    // ---- as the page cache sees it

    @Override
    public boolean hasHugePages() {
        return true;
    }

    @Override
    public int punchHole(long firstPage, long count) {
        lock.writeLock();
        try {
            new HugetlbRange(this).punch(Page.address(firstPage), Page.address(count));
            return 0;
        } finally {
            lock.writeUnlock();
        }
    }
}
