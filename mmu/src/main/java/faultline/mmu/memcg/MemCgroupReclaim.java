package faultline.mmu.memcg;

/** Who frees pages of one group; implemented by the swap layer. */
@FunctionalInterface
public interface MemCgroupReclaim {
    /**
     * Frees pages of a group and of those below it, in the calling thread, which holds no spin lock.
     *
     * @param pages how many are wanted
     * @return how many were freed; 0 means that trying again is useless
     */
    long reclaim(MemCgroup group, long pages);
}
