package faultline.mmu.swap;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.memcg.MemCgroup;
import faultline.mmu.memcg.MemCgroupReclaim;
import faultline.mmu.memcg.MemCgroups;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.PageFlags;

/**
 * Frees pages of one group of processes: each group has a hand of its own that goes round all frames and stops at those
 * of the group. What happens to a page there is the machine's reclaim.
 */
public final class MemCgroupReclaimer implements MemCgroupReclaim {
    private static final int STRIDE = 64;
    /** A used page has to be found unused before it goes: see {@link Reclaimer}. */
    private static final int ROUNDS = 4;

    private final Reclaimer reclaimer;
    private final SwapSpace swap;
    private final MemCgroups groups;
    private final FrameTable frames;

    /** Frees pages with the machine's reclaim. */
    public MemCgroupReclaimer(Reclaimer reclaimer, SwapSpace swap, MemCgroups groups, FrameTable frames) {
        this.reclaimer = reclaimer;
        this.swap = swap;
        this.groups = groups;
        this.frames = frames;
    }

    @Override
    @KernelFunction("try_to_free_mem_cgroup_pages")
    public long reclaim(MemCgroup group, long pages) {
        long freed = 0;
        for (long budget = ROUNDS * frames.count(); freed < pages && budget > 0; budget -= STRIDE) {
            long from = group.advance(STRIDE);
            for (long i = from; i < from + STRIDE; i++) {
                long pfn = Long.remainderUnsigned(i, frames.count());
                if (mayGo(group, pfn) && reclaimer.shrinkFrame(pfn)) {
                    freed++;
                }
            }
        }
        return freed;
    }

    /** Whether the frame is charged to the group, and has somewhere to go. */
    @KernelFunction("get_scan_count")
    private boolean mayGo(MemCgroup group, long pfn) {
        MemCgroup owner = frames.test(pfn, PageFlags.MEMCG) ? groups.owner(pfn) : null;
        if (owner == null || !owner.isIn(group)) {
            return false;
        }
        boolean toSwap = frames.test(pfn, PageFlags.SWAPBACKED) && !frames.test(pfn, PageFlags.SWAPCACHE);
        return !toSwap || swap.freeSlots() != 0 && owner.maySwap();
    }
}
