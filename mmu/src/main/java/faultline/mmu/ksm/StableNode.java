package faultline.mmu.ksm;

import faultline.mmu.annotation.KernelFunction;

/**
 * One page that stands for many of equal content. Its frame bears {@code PageFlags.KSM} and names this as its mapping.
 *
 * <p>It holds no reference: when the last entry that maps the frame goes, so does the frame, and this is dead. Whoever
 * wants the frame asks {@link KsmPages#get}.
 */
@KernelFunction("struct ksm_stable_node")
public final class StableNode {
    static final long DEAD = -1;

    /** The frame; {@link #DEAD} once it has been freed. Guarded by the lock of {@link KsmPages}. */
    volatile long pfn;

    // The rest is guarded by the KSM lock.

    /** Of the frame's content, which never changes. */
    long checksum;

    /** How many places share it by the scanner's doing. */
    int items;

    /** Whether it is found by content. */
    boolean inTree;

    StableNode(long pfn) {
        this.pfn = pfn;
    }

    /** The frame, for checks of a machine at rest; -1 when there is none any more. */
    public long frame() {
        return pfn;
    }

    @Override
    public String toString() {
        return "ksm " + Long.toHexString(checksum) + " x" + items;
    }
}
