package faultline.mmu.phys;

/**
 * Told of frames that lose their references while another layer still lists or caches them; see {@link FrameAllocator}.
 */
@FunctionalInterface
public interface FrameRelease {
    /** May be called with any lock held but those of the allocator; must not wait for the page lock. */
    void release(long pfn);
}
