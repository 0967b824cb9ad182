package faultline.mmu.phys;

/** Who finds frames when they run out. Plugged into {@link FrameAllocator#setReclaim} by the swap layer. */
public interface FrameReclaim {
    /**
     * Frees frames, in the thread that needs them (direct reclaim). It may take any lock from the page lock down, and
     * sleep.
     *
     * @param order log2 of the number of adjoining frames that are wanted
     * @return how many frames were freed; 0 means that trying again is useless
     */
    long reclaim(int order);

    /**
     * Nothing could be freed for an allocation that may wait. Called where {@link #reclaim} is.
     *
     * @return whether trying again makes sense
     */
    default boolean outOfMemory() {
        return false;
    }

    /**
     * Frames run low: a background thread, if there is one, should start. Called with no allocator lock held; must not
     * block.
     */
    void wake();
}
