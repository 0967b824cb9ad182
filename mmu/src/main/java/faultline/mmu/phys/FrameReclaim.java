package faultline.mmu.phys;

import faultline.mmu.annotation.KernelFunction;

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

    /** How many frames could be freed at most, if none of them were in use: an estimate. */
    @KernelFunction("zone_reclaimable_pages")
    default long reclaimable() {
        return 0;
    }

    /**
     * Nothing could be freed for an allocation that may wait. Called where {@link #reclaim} is.
     *
     * @param order as there
     * @return whether trying again makes sense
     */
    default boolean outOfMemory(int order) {
        return false;
    }

    /**
     * Frames run low: a background thread, if there is one, should start. Called with no allocator lock held; must not
     * block.
     */
    void wake();
}
