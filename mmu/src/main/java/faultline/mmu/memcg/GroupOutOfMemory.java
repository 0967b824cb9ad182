package faultline.mmu.memcg;

/** What is done when a group is charged more than it may have and nothing can be freed there. */
@FunctionalInterface
public interface GroupOutOfMemory {
    /**
     * Called in the thread that is to be charged; it may hold an mmap lock and page locks, no spin lock.
     *
     * @param group the one whose limit it is
     * @param pages how many are wanted; 0 when what is charged already is to fit
     * @return whether trying again makes sense: there is room
     */
    boolean handle(MemCgroup group, long pages);
}
