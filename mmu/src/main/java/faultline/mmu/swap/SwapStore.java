package faultline.mmu.swap;

import java.lang.foreign.MemorySegment;

/**
 * Where swapped-out pages are kept: slots of one page each. Called concurrently, never for one slot at once. Slot 0 is
 * the header's.
 */
public interface SwapStore extends AutoCloseable {
    /** The file's path, as /proc/swaps shows it. */
    String path();

    /** Fills a page from a slot. @return 0 or -EIO */
    int read(long slot, MemorySegment page);

    /** Keeps a page in a slot. @return 0, -EIO or -ENOSPC */
    int write(long slot, MemorySegment page);

    /** Gives the space back. */
    @Override
    void close();
}
