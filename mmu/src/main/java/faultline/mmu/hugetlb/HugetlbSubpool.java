package faultline.mmu.hugetlb;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.lock.LockClass;
import faultline.mmu.lock.LockRank;
import faultline.mmu.lock.SpinLock;

/**
 * The share of a pool that the files of one mount may have, or are sure to get (options size and min_size of
 * hugetlbfs).
 *
 * <p>Pages count as soon as they are promised to a mapping. Those of the assured part are promised to the mount
 * beforehand, so that the pool need not promise them again.
 *
 * <pre>
 *   the pool's promises     = those of mappings of files + what is kept here
 *   kept                    ≤ least
 *   used, of a limited one  ≤ most
 * </pre>
 */
@KernelFunction(value = "hugepage_subpool", file = "include/linux/hugetlb.h")
public final class HugetlbSubpool {
    /** Instead of a number of pages: no limit, or nothing assured. */
    public static final long NONE = -1;

    /** Never held together with the pool's. */
    private static final LockClass LOCK_CLASS = new LockClass("hugetlb_subpool", LockRank.HUGETLB_POOL_LOCK);

    private final HugetlbPool pool;
    private final long most;
    private final long least;
    private final SpinLock lock = new SpinLock(LOCK_CLASS);
    // Guarded by the lock.
    private long used;
    private long kept;
    private boolean retired;
    private boolean ended;

    private HugetlbSubpool(HugetlbPool pool, long most, long least) {
        this.pool = pool;
        this.most = most;
        this.least = least;
        this.kept = Math.max(0, least);
    }

    /**
     * A share of {@code pool}.
     *
     * @param most pages that may be promised or used, or {@link #NONE}
     * @param least pages that are assured, or {@link #NONE}
     * @return null when the pool cannot assure them
     */
    @KernelFunction(value = "hugepage_new_subpool", file = "mm/hugetlb.c")
    public static HugetlbSubpool make(HugetlbPool pool, long most, long least) {
        if (!pool.reserve(Math.max(0, least))) {
            return null;
        }
        HugetlbSubpool share = new HugetlbSubpool(pool, most, least);
        pool.subpools().add(share);
        return share;
    }

    HugetlbPool pool() {
        return pool;
    }

    /** Pages that may be promised or used; {@link #NONE} for any number. */
    public long most() {
        return most;
    }

    /** Pages of those that are left; {@link #NONE} where there is no limit. */
    public long left() {
        lock.lock();
        try {
            return most - used;
        } finally {
            lock.unlock();
        }
    }

    /** Pages that the pool has promised, and that nobody has got from here. */
    public long kept() {
        lock.lock();
        try {
            return kept;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes {@code pages} pages of the share. @return how many of them the pool has yet to promise; -1 beyond the limit
     */
    @KernelFunction(value = "hugepage_subpool_get_pages", file = "mm/hugetlb.c")
    long get(long pages) {
        lock.lock();
        try {
            if (most != NONE) {
                if (used + pages > most) {
                    return -1;
                }
                used += pages;
            }
            long assured = Math.min(kept, pages);
            kept -= assured;
            return pages - assured;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Gives {@code pages} pages back. @return how many of them the pool need not promise any more; the others are kept
     */
    @KernelFunction(value = "hugepage_subpool_put_pages", file = "mm/hugetlb.c")
    long put(long pages) {
        lock.lock();
        try {
            if (most != NONE) {
                used -= pages;
            }
            long room = used < least ? least - kept : 0;
            long back = Math.min(room, pages);
            kept += back;
            return pages - back;
        } finally {
            lock.unlock();
        }
    }

    /** The mount is gone: when the last page has come back, nothing is assured any more. */
    @KernelFunction(value = "hugepage_put_subpool", file = "mm/hugetlb.c")
    public void retire() {
        lock.lock();
        retired = true;
        lock.unlock();
        endIfUnused();
    }

    /** Called without locks of the pool after pages have come back. */
    @KernelFunction(value = "unlock_or_release_subpool", file = "mm/hugetlb.c")
    void endIfUnused() {
        lock.lock();
        boolean ends = retired && !ended && (most == NONE || used == 0) && kept == Math.max(0, least);
        ended |= ends;
        lock.unlock();
        if (ends) {
            pool.subpools().remove(this);
            pool.unreserve(Math.max(0, least));
        }
    }
}
