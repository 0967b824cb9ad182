package faultline.mmu.swap;

import java.lang.foreign.MemorySegment;

/** Where swapped-out pages are kept: slots of one page each. Called concurrently, never for one slot at once. */
public interface SwapStore extends AutoCloseable {
    /** Fills a page from a slot. @return 0 or -EIO */
    int read(long slot, MemorySegment page);

    /** Keeps a page in a slot. @return 0, -EIO or -ENOSPC */
    int write(long slot, MemorySegment page);

    /** Gives the space back. */
    @Override
    void close();
}
