package faultline.mmu.swap;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.table.Pte;

/**
 * A slot of the machine in one number above 0, as the page trees of memory files keep it and as areas are searched for
 * one: the page of the area, and the area's number below it. Page-table entries name the same by {@link Pte#swap}.
 */
@KernelFunction("swp_entry_t")
final class SwapSlot {
    private static final int TYPE_BITS = 5;

    private SwapSlot() {}

    /** @param type number of the area @param offset page of the area, above 0 */
    static long of(int type, int offset) {
        return (long) offset << TYPE_BITS | type;
    }

    @KernelFunction("swp_type")
    static int type(long slot) {
        return (int) slot & (1 << TYPE_BITS) - 1;
    }

    @KernelFunction("swp_offset")
    static int offset(long slot) {
        return (int) (slot >>> TYPE_BITS);
    }
}
