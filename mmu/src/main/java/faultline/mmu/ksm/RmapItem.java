package faultline.mmu.ksm;

import faultline.mmu.annotation.KernelFunction;

/** What the scanner remembers of one page's place. Guarded by the KSM lock. */
@KernelFunction("struct ksm_rmap_item")
final class RmapItem {
    /** What one takes in Linux, in bytes: what sharing a page costs. */
    static final int BYTES = 64;

    private static final int MAX_AGE = 255;
    /** Pages are looked at this often before any look is left out. */
    private static final int FIRST_SKIP_AGE = 3;

    final MmSlot slot;
    final long address;

    /** The next of the address space, by address. */
    RmapItem next;

    /** Of the content when last looked at. */
    long checksum;

    /** What it shares; null while it shares nothing. */
    StableNode stable;

    /** The pass in which it was put into the unstable tree; 0 when it is in none. */
    long unstablePass;

    private int age;
    private int remainingSkips;

    RmapItem(MmSlot slot, long address) {
        this.slot = slot;
        this.address = address;
    }

    /** Smart scan: whether this look is left out, since so many have been in vain. */
    @KernelFunction(value = "should_skip_rmap_item", file = "mm/ksm.c")
    boolean skips() {
        int now = age;
        age = Math.min(age + 1, MAX_AGE);
        if (now < FIRST_SKIP_AGE) {
            return false;
        }
        if (remainingSkips == 0) {
            remainingSkips = skips(now);
            return false;
        }
        remainingSkips--;
        return true;
    }

    @KernelFunction(value = "skip_age", file = "mm/ksm.c")
    private static int skips(int age) {
        return age <= 3 ? 1 : age <= 5 ? 2 : age <= 8 ? 4 : 8;
    }
}
