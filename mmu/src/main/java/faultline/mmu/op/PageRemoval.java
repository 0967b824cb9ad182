package faultline.mmu.op;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.Vma;
import faultline.mmu.tlb.MmuGather;

/**
 * Empties the page tables under a run of mappings and gives the tables back.
 *
 * <p>Order matters: entries are cleared; the mappings leave the trees of their objects, so that nobody finds the tables
 * through them any more; tables are taken out; the processors' translations are flushed; only then are frames and
 * tables free for others.
 */
final class PageRemoval {
    private PageRemoval() {}

    /**
     * Clears all mappings from {@code first} to {@code end}, which are whole ones.
     *
     * @return the first mapping behind, or null
     */
    @KernelFunction(value = "unmap_region", file = "mm/vma.c")
    @RequiresLock("MMAP_LOCK")
    static Vma clear(OpEnv env, MmStruct mm, Vma first, long end) {
        Vma before = first.prev();
        long floor = before == null ? 0 : before.end();
        MmuGather gather = env.gather(mm, false);
        mm.updateHiwaterRss();
        Vma v = first;
        for (; v != null && v.start() < end; v = v.next()) {
            env.zap.zapPageRange(mm, v, v.start(), v.end(), gather);
        }
        long ceiling = v == null ? 0 : v.start();
        for (Vma gone = first; gone != v; gone = gone.next()) {
            VmaRelink.unlink(gone);
        }
        env.reaper.freePgtables(mm, gather, first.start(), end, floor, ceiling);
        env.finish(gather);
        return v;
    }
}
