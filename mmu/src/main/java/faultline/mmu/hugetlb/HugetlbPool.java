package faultline.mmu.hugetlb;

import faultline.mmu.annotation.Injectable;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.file.PageCache;
import faultline.mmu.lock.LockClass;
import faultline.mmu.lock.LockRank;
import faultline.mmu.lock.SpinLock;
import faultline.mmu.lock.SpinWait;
import faultline.mmu.phys.FrameAllocator;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.phys.PhysicalMemory;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A pool of huge pages of one size, and its counts as /proc/meminfo shows those of 2 MiB.
 *
 * <p>Its pages are compound pages of the frame allocator with {@link PageFlags#HUGETLB}; a free one has no reference.
 * Whoever drops the last reference to one, by whichever way, gives it back here ({@link #release}).
 */
@KernelFunction(value = "hstate", file = "include/linux/hugetlb.h")
public final class HugetlbPool {
    private static final LockClass LOCK_CLASS = new LockClass("hugetlb_pool", LockRank.HUGETLB_POOL_LOCK);
    /**
     * Private value of a page that is reserved again, for who unmapped it, as soon as it is free (HPageRestoreReserve).
     */
    private static final long STAYS_RESERVED = 1;

    private final int order;
    private final PageCache cache;
    private final PhysicalMemory phys;
    private final FrameTable frames;
    private final FrameAllocator allocator;
    private final Set<HugetlbInode> inodes = ConcurrentHashMap.newKeySet();
    private final Set<HugetlbSubpool> subpools = ConcurrentHashMap.newKeySet();
    /** The share that a used page was taken from, by its head; of pages that were taken from one. */
    private final Map<Long, HugetlbSubpool> shares = new ConcurrentHashMap<>();

    private final SpinLock lock = new SpinLock(LOCK_CLASS);
    // Guarded by the lock; single values may be read without, for display.
    private long[] freeHeads = new long[16];
    private volatile int free;
    private volatile long total;
    private volatile long reserved;
    private volatile long surplus;
    private volatile long overcommit;

    /** An empty pool in the memory of {@code cache}. @param order log2 of the frames of a page */
    HugetlbPool(PageCache cache, int order) {
        this.order = order;
        this.cache = cache;
        this.phys = cache.phys();
        this.frames = cache.frames();
        this.allocator = cache.allocator();
    }

    // ---- the size of its pages

    /** log2 of the frames of a page. */
    @KernelFunction(value = "huge_page_order", file = "include/linux/hugetlb.h")
    public int order() {
        return order;
    }

    /** Frames of a page. */
    @KernelFunction(value = "pages_per_huge_page", file = "include/linux/hugetlb.h")
    public long frames() {
        return 1L << order;
    }

    /** Bytes of a page. */
    @KernelFunction(value = "huge_page_size", file = "include/linux/hugetlb.h")
    public long pageSize() {
        return Page.SIZE << order;
    }

    /** Bytes within the page of 2^order frames that an address or a place in a file lies behind its begin. */
    public long offsetInPage(long address) {
        return address & pageSize() - 1;
    }

    /** {@code bytes} as those of whole pages. */
    public long align(long bytes) {
        return bytes + pageSize() - 1 & -pageSize();
    }

    /** Whether pages are larger than the largest block of the frame allocator: they are searched for when wanted. */
    @KernelFunction(value = "hstate_is_gigantic", file = "include/linux/hugetlb.h")
    public boolean isGigantic() {
        return order > FrameAllocator.MAX_ORDER;
    }

    // ---- what there is, in huge pages

    /** HugePages_Total: all pages of the pool. */
    public long total() {
        return total;
    }

    /** HugePages_Free: pages that nobody uses, reserved ones included. */
    public long free() {
        return free;
    }

    /** HugePages_Rsvd: free pages that are promised. */
    public long reserved() {
        return reserved;
    }

    /** HugePages_Surp: pages above vm.nr_hugepages, which leave the pool when they become free. */
    public long surplus() {
        return surplus;
    }

    /** vm.nr_hugepages. */
    @KernelFunction(value = "persistent_huge_pages", file = "mm/hugetlb.c")
    public long persistent() {
        return total - surplus;
    }

    /** vm.nr_overcommit_hugepages: how many surplus pages may be made when the pool is used up. */
    public long overcommit() {
        return overcommit;
    }

    /** Sets nr_overcommit_hugepages: most pages beyond those of the pool. */
    public void setOvercommit(long pages) {
        overcommit = pages;
    }

    PageCache cache() {
        return cache;
    }

    /** The files that hold, or have reserved, pages of the pool. */
    public Set<HugetlbInode> inodes() {
        return inodes;
    }

    /** The shares of the pool that mounts have. */
    public Set<HugetlbSubpool> subpools() {
        return subpools;
    }

    /** A page was taken from a share, and goes back there. */
    @KernelFunction(value = "hugetlb_set_folio_subpool", file = "include/linux/hugetlb.h")
    void setSubpool(long head, HugetlbSubpool share) {
        shares.put(head, share);
    }

    // ---- its size

    /**
     * Makes the pool as large as asked, or as large as memory allows; or smaller, in-use and reserved pages becoming
     * surplus.
     *
     * @param pages wanted, 0 or more
     */
    @KernelFunction(value = "set_max_huge_pages", file = "mm/hugetlb.c")
    public void resize(long pages) {
        lock.lock();
        long adopted = Math.clamp(pages - persistent(), 0, surplus);
        surplus -= adopted;
        lock.unlock();
        while (persistent() < pages) {
            long head = allocFresh();
            if (head < 0) {
                return;
            }
            lock.lock();
            total++;
            pushFree(head);
            lock.unlock();
        }
        shrink(pages);
    }

    private void shrink(long pages) {
        while (true) {
            lock.lock();
            boolean done = free <= reserved || persistent() <= pages;
            if (done) {
                long excess = persistent() - pages;
                surplus += Math.max(0, excess);
                lock.unlock();
                return;
            }
            long head = popFree();
            total--;
            lock.unlock();
            giveBack(head);
        }
    }

    /**
     * A new page of the pool's kind, without reference, not counted; -1 when memory has none.
     *
     * <p>Reclaim may have its first frame in hand, which it knew as a small page, and lets go of it at once
     * ({@code HugetlbRaceTest}: reclaim looks at frames).
     */
    @KernelFunction(value = "alloc_fresh_hugetlb_folio", file = "mm/hugetlb.c")
    @Injectable(value = "mm/hugetlb/alloc", error = -1)
    private long allocFresh() {
        long head = isGigantic() ? allocator.allocContiguous(order) : allocator.allocPages(order);
        if (head >= 0) {
            frames.makeCompound(head, order);
            frames.set(head, PageFlags.HUGETLB);
            for (int spins = 0; !frames.freezeRefcount(head, 1); ) {
                spins = SpinWait.pause(spins);
            }
        }
        return head;
    }

    /** Gives a page, which is free and no longer counted, to the frame allocator. */
    @KernelFunction(value = "update_and_free_hugetlb_folio", file = "mm/hugetlb.c")
    private void giveBack(long head) {
        frames.clear(head, PageFlags.HUGETLB);
        allocator.freeUnreferenced(head);
    }

    private void pushFree(long head) {
        if (free == freeHeads.length) {
            freeHeads = Arrays.copyOf(freeHeads, 2 * free);
        }
        freeHeads[free] = head;
        free = free + 1;
    }

    private long popFree() {
        free = free - 1;
        return freeHeads[free];
    }

    // ---- promises

    /**
     * Promises {@code pages} pages, making surplus ones where allowed.
     *
     * @return false when the pool cannot back them: then nothing has changed
     */
    @KernelFunction(value = "hugetlb_acct_memory", file = "mm/hugetlb.c")
    boolean reserve(long pages) {
        long made = 0;
        while (true) {
            lock.lock();
            if (free - reserved >= pages) {
                reserved += pages;
                lock.unlock();
                return true;
            }
            lock.unlock();
            long head = allocSurplus();
            if (head < 0) {
                dropSurplus(made);
                return false;
            }
            made++;
            lock.lock();
            pushFree(head);
            lock.unlock();
        }
    }

    /** Takes back a promise of {@code pages} pages that have not been taken. */
    @KernelFunction(value = "return_unused_surplus_pages", file = "mm/hugetlb.c")
    void unreserve(long pages) {
        lock.lock();
        reserved -= pages;
        lock.unlock();
        dropSurplus(pages);
    }

    /** Frees up to {@code most} surplus pages that are free and not promised. */
    private void dropSurplus(long most) {
        for (long i = 0; i < most; i++) {
            lock.lock();
            boolean any = surplus > 0 && free > reserved;
            long head = any ? popFree() : -1;
            if (any) {
                surplus--;
                total--;
            }
            lock.unlock();
            if (!any) {
                return;
            }
            giveBack(head);
        }
    }

    /** A surplus page, counted, in nobody's hands; -1 when no more are allowed or there is no memory. */
    @KernelFunction(value = "alloc_surplus_hugetlb_folio", file = "mm/hugetlb.c")
    private long allocSurplus() {
        lock.lock();
        boolean allowed = surplus < overcommit;
        if (allowed) {
            surplus++;
            total++;
        }
        lock.unlock();
        long head = allowed ? allocFresh() : -1;
        if (allowed && head < 0) {
            lock.lock();
            surplus--;
            total--;
            lock.unlock();
        }
        return head;
    }

    // ---- pages

    /**
     * A page with one reference, its content undefined.
     *
     * @param promised whether the caller gives up a promise for it, so that it need not be one that nobody was promised
     * @return -1 when there is none
     */
    @KernelFunction(value = "dequeue_hugetlb_folio_vma", file = "mm/hugetlb.c")
    long take(boolean promised) {
        lock.lock();
        long head = free > 0 && (promised || free > reserved) ? popFree() : -1;
        if (head >= 0 && promised) {
            reserved--;
        }
        lock.unlock();
        if (head < 0) {
            head = allocSurplus();
            if (head >= 0 && promised) {
                lock.lock();
                reserved--;
                lock.unlock();
            }
        }
        if (head >= 0) {
            frames.set(head, PageFlags.UPTODATE);
            frames.setRefcount(head, 1);
        }
        return head;
    }

    /** Whether the pool has pages that it will not keep. */
    public boolean hasSurplus() {
        return surplus > 0;
    }

    /**
     * The page, whose only reference is about to go, is to be promised to the same place again in the moment it is
     * free.
     */
    @KernelFunction(value = "folio_set_hugetlb_restore_reserve", file = "mm/hugetlb.c")
    void keepPromised(long head) {
        frames.setPrivateData(head, STAYS_RESERVED);
    }

    /** Takes a page back whose last reference has gone. */
    @KernelFunction(value = "free_huge_folio", file = "mm/hugetlb.c")
    void release(long head) {
        allocator.markUsed(head, frames());
        boolean promised = frames.privateData(head) == STAYS_RESERVED;
        HugetlbSubpool share = shares.isEmpty() ? null : shares.remove(head);
        // A page that stays reserved stays taken from the share, too.
        promised = promised || share != null && share.put(1) == 0;
        frames.setPrivateData(head, 0);
        frames.setMapping(head, null);
        frames.setIndex(head, 0);
        frames.clear(head, ~(PageFlags.HEAD | PageFlags.HUGETLB));
        lock.lock();
        boolean excess = !promised && surplus > 0;
        if (excess) {
            surplus--;
            total--;
        } else {
            pushFree(head);
            reserved += promised ? 1 : 0;
        }
        lock.unlock();
        if (excess) {
            giveBack(head);
        }
        if (share != null) {
            share.endIfUnused();
        }
    }

    /** Fills a page with zeros. */
    @KernelFunction(value = "folio_zero_user", file = "mm/memory.c")
    public void zero(long head) {
        allocator.zeroUsed(head, frames());
        flushCode(head);
    }

    /** Copies a page. */
    @KernelFunction(value = "copy_user_large_folio", file = "mm/memory.c")
    public void copy(long from, long to) {
        phys.copy(Page.address(from), Page.address(to), pageSize());
        flushCode(to);
    }

    private void flushCode(long head) {
        for (long pfn = head; pfn < head + frames(); pfn++) {
            cache.instructionCache().flushFrame(pfn);
        }
    }

    /** The free pages, for an audit at rest. */
    public long[] freeHeads() {
        lock.lock();
        try {
            return Arrays.copyOf(freeHeads, free);
        } finally {
            lock.unlock();
        }
    }
}
