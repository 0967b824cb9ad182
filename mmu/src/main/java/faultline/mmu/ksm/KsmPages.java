package faultline.mmu.ksm;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.lock.LockClass;
import faultline.mmu.lock.LockRank;
import faultline.mmu.lock.SpinLock;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.phys.PhysicalMemory;

/**
 * Frames that stand for many of equal content: how one becomes such a frame, is found, and ends; and what is in them.
 *
 * <p>A reference may be taken only while the frame is not free: it could belong to somebody else already. Who frees it
 * says so first, under the lock that a reference is taken with (see {@code KsmRaceTest}: exit against the scanner).
 */
final class KsmPages {
    private static final LockClass LOCK_CLASS = new LockClass("ksm_page", LockRank.KSM_PAGE_LOCK);
    private static final long HASH_FACTOR = 0x9e37_79b9_7f4a_7c15L;

    private final PhysicalMemory phys;
    private final FrameTable frames;
    private final SpinLock lock = new SpinLock(LOCK_CLASS);

    KsmPages(PhysicalMemory phys) {
        this.phys = phys;
        this.frames = phys.frames();
        phys.allocator().setKsmRelease(this::release);
    }

    /** The frame with a reference more, or -1 when it is gone. */
    @KernelFunction(value = "ksm_get_folio", file = "mm/ksm.c")
    long get(StableNode node) {
        lock.lock();
        try {
            long pfn = node.pfn;
            return pfn >= 0 && frames.getUnlessZero(pfn) ? pfn : StableNode.DEAD;
        } finally {
            lock.unlock();
        }
    }

    /** What the frame stands for, if it is one of these; the caller has a reference to it. */
    @KernelFunction("folio_stable_node")
    StableNode nodeOf(long pfn) {
        return frames.test(pfn, PageFlags.KSM) ? (StableNode) frames.mapping(pfn) : null;
    }

    /**
     * Makes a frame one of these; the caller has it locked, has taken it off reclaim's lists, and has made its entry
     * read-only under the page-table lock, which is held.
     */
    @KernelFunction("folio_set_stable_node")
    StableNode make(long pfn) {
        StableNode node = new StableNode(pfn);
        frames.clear(pfn, PageFlags.ANON_EXCLUSIVE);
        frames.setMapping(pfn, node);
        frames.set(pfn, PageFlags.KSM | PageFlags.SWAPBACKED);
        return node;
    }

    /** The frame's last reference is gone. */
    private void release(long pfn) {
        lock.lock();
        ((StableNode) frames.mapping(pfn)).pfn = StableNode.DEAD;
        frames.clear(pfn, PageFlags.KSM | PageFlags.MLOCKED | PageFlags.UNEVICTABLE);
        lock.unlock();
    }

    // ---- content

    /** Whether two frames hold the same, while nobody writes either. */
    @KernelFunction(value = "pages_identical", file = "mm/ksm.c")
    boolean areIdentical(long pfn, long other) {
        return phys.equal(Page.address(pfn), Page.address(other), Page.SIZE);
    }

    /** Of what the frame holds, which may change meanwhile: then it is that of something that never was there. */
    @KernelFunction(value = "calc_checksum", file = "mm/ksm.c")
    long checksum(long pfn) {
        long at = Page.address(pfn);
        long even = 1;
        long odd = 2;
        for (long end = at + Page.SIZE; at < end; at += 16) {
            even = Long.rotateLeft((even ^ phys.getLong(at)) * HASH_FACTOR, 29);
            odd = Long.rotateLeft((odd ^ phys.getLong(at + 8)) * HASH_FACTOR, 31);
        }
        return even ^ odd * HASH_FACTOR;
    }
}
