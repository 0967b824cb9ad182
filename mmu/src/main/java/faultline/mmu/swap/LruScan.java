package faultline.mmu.swap;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.phys.FrameAllocator;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.LruVec;
import faultline.mmu.phys.PageFlags;

/**
 * One pass over the lists of {@link LruVec}, from their tails: the second chance.
 *
 * <pre>
 *             active ──────── looked at, from the tail ───────▶ inactive ──unused──▶ freed
 *                ▲                                               │   ▲
 *                └────── used twice, or by two mappings ─────────┘   │ used once: kept, and remembered
 *                                                                └───┘
 * </pre>
 *
 * <p>Of each list the {@code 2^priority}th part is looked at. Anonymous memory and files share the pass in the relation
 * of their costs: a kind whose pages were found in use, or had to be written, is left alone the more. An active list is
 * touched only while it is large against its inactive one.
 *
 * <p>An object serves one pass of one thread.
 */
final class LruScan {
    /** Frames that are isolated at once (SWAP_CLUSTER_MAX). */
    static final int CLUSTER = 32;
    /** How readily anonymous memory is looked at, of 200 (vm.swappiness). */
    private static final int SWAPPINESS = 60;

    private final LruVec lru;
    private final FrameTable frames;
    private final FrameAllocator allocator;
    private final PageReclaim pages;
    private final ScanCost cost;
    private final boolean canSwap;
    private final long[] isolated = new long[CLUSTER];

    private long scanned;
    private long freed;

    /** @param canSwap whether anonymous memory is worth looking at */
    LruScan(FrameAllocator allocator, FrameTable frames, PageReclaim pages, ScanCost cost, boolean canSwap) {
        this.lru = frames.lru();
        this.frames = frames;
        this.allocator = allocator;
        this.pages = pages;
        this.cost = cost;
        this.canSwap = canSwap;
    }

    /** Frames looked at in inactive lists. */
    long scanned() {
        return scanned;
    }

    /** Frames freed. */
    long freed() {
        return freed;
    }

    /**
     * Goes over the lists.
     *
     * @param priority 12 looks at little, 0 at everything
     * @param wanted frames that are enough
     */
    @KernelFunction(value = "shrink_lruvec", file = "mm/vmscan.c")
    void run(int priority, long wanted) {
        long[] left = scanCount(priority);
        boolean more = true;
        while (more && freed < wanted) {
            more = false;
            for (int list = 0; list < left.length; list++) {
                int now = (int) Math.min(left[list], CLUSTER);
                if (now > 0) {
                    left[list] -= now;
                    more = true;
                    shrinkList(list, now);
                }
            }
        }
        if (canSwap && isInactiveLow(LruVec.INACTIVE_ANON)) {
            shrinkActive(LruVec.ACTIVE_ANON, CLUSTER);
        }
    }

    /** How many frames of each list are looked at. */
    @KernelFunction(value = "get_scan_count", file = "mm/vmscan.c")
    private long[] scanCount(int priority) {
        long[] counts = new long[LruVec.UNEVICTABLE];
        double anonShare = cost.anonShare(SWAPPINESS);
        for (int list = 0; list < counts.length; list++) {
            boolean anon = list < LruVec.INACTIVE_FILE;
            if (anon && !canSwap) {
                continue;
            }
            long part = lru.size(list) >>> priority;
            // The last pass leaves nothing out.
            double share = priority == 0 || !canSwap ? 1 : anon ? anonShare : 1 - anonShare;
            counts[list] = (long) Math.ceil(part * share);
        }
        return counts;
    }

    @KernelFunction(value = "shrink_list", file = "mm/vmscan.c")
    private void shrinkList(int list, int count) {
        if (list == LruVec.ACTIVE_ANON || list == LruVec.ACTIVE_FILE) {
            if (isInactiveLow(list - 1)) {
                shrinkActive(list, count);
            }
        } else {
            shrinkInactive(list, count);
        }
    }

    /** The inactive part may be the smaller, the more memory there is: of 1 GiB a quarter, of 10 GiB a tenth. */
    @KernelFunction(value = "inactive_is_low", file = "mm/vmscan.c")
    private boolean isInactiveLow(int inactiveList) {
        long inactive = lru.size(inactiveList);
        long active = lru.size(inactiveList + 1);
        long gib = inactive + active >>> 18;
        long ratio = gib == 0 ? 1 : (long) Math.sqrt(10 * gib);
        return inactive * ratio < active;
    }

    /** Moves what is at the tail of an active list to the inactive one; code in use goes round once more. */
    @KernelFunction(value = "shrink_active_list", file = "mm/vmscan.c")
    private void shrinkActive(int list, int wanted) {
        int count = lru.isolate(list, wanted, isolated);
        int moved = 0;
        for (int i = 0; i < count; i++) {
            if (!pages.staysActive(isolated[i])) {
                frames.clear(isolated[i], PageFlags.ACTIVE);
                moved++;
            }
        }
        lru.countMoves(0, moved);
        cost.note(list < LruVec.INACTIVE_FILE, count - moved);
        putBack(count);
    }

    @KernelFunction(value = "shrink_inactive_list", file = "mm/vmscan.c")
    private void shrinkInactive(int list, int wanted) {
        int count = lru.isolate(list, wanted, isolated);
        int kept = 0;
        int activated = 0;
        for (int i = 0; i < count; i++) {
            long pfn = isolated[i];
            if (pages.run(pfn, false)) {
                allocator.putPage(pfn);
            } else {
                activated += frames.test(pfn, PageFlags.ACTIVE) ? 1 : 0;
                isolated[kept++] = pfn;
            }
        }
        scanned += count;
        freed += count - kept;
        lru.countMoves(activated, 0);
        cost.note(list < LruVec.INACTIVE_FILE, kept);
        putBack(kept);
    }

    private void putBack(int count) {
        lru.putBack(isolated, count);
        for (int i = 0; i < count; i++) {
            allocator.putPage(isolated[i]);
        }
    }
}
