package faultline.mmu.swap;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.phys.Page;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Makes a file a swap area. */
public final class Swapon {
    /** The low bits are the priority (SWAP_FLAG_PREFER). */
    static final int PREFER = 0x8000;

    private static final int PRIORITY = 0x7fff;
    private static final int DISCARD = 0x70000;
    /**
     * What swapon(2) knows: others are EINVAL. Discarding is for devices that want to be told; a file's may be ignored.
     */
    private static final int VALID = PREFER | PRIORITY | DISCARD;

    private final SwapSpace space;

    public Swapon(SwapSpace space) {
        this.space = space;
    }

    /** Whether the flags of swapon(2) are known. */
    public static boolean areValid(int flags) {
        return (flags & ~VALID) == 0;
    }

    /**
     * Adds the area in a file, from its header on.
     *
     * @param store the file; if this succeeds, the area's to close
     * @param bytes size of the file
     * @param flags known ones
     * @return 0; -EINVAL when that is no area, or one that is longer than the file; -EPERM when there are too many;
     * -EIO
     */
    @KernelFunction("sys_swapon")
    public long run(SwapStore store, long bytes, int flags) {
        if (bytes < Page.SIZE) {
            return -Errno.EINVAL;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment header = arena.allocate(Page.SIZE, Page.SIZE);
            int error = store.read(0, header);
            int pages = error != 0 ? error : SwapHeader.pages(header, bytes >>> Page.SHIFT);
            int priority = (flags & PREFER) != 0 ? flags & PRIORITY : SwapAreas.ANY_PRIORITY;
            return pages < 0 ? pages : space.areas().add(store, pages, priority);
        }
    }
}
