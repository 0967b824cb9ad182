package faultline.mmu.swap;

/** What is done when a frame is wanted and none can be freed. */
@FunctionalInterface
public interface OutOfMemory {
    /**
     * Called in the thread that wants the frame; it may hold an mmap lock and page locks, no spin lock.
     *
     * @param order log2 of the number of adjoining frames that are wanted
     * @return whether trying again makes sense: memory has been freed
     */
    boolean handle(int order);
}
