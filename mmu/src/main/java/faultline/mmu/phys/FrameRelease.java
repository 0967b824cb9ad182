package faultline.mmu.phys;

/**
 * Told when the last reference to a frame goes that still is on a list of the reclaim layer ({@link PageFlags#LRU}): it takes the
 * frame off. The counterpart of {@code __page_cache_release}.
 */
@FunctionalInterface
public interface FrameRelease {
    /** Takes the frame off its list and clears LRU, ACTIVE and UNEVICTABLE. Nobody else holds a reference. */
    void release(long pfn);
}
