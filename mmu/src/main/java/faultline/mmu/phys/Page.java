package faultline.mmu.phys;

/** Sizes and rounding of pages of the x86-64 architecture. Addresses and lengths are bytes, unsigned. */
public final class Page {
    public static final int SHIFT = 12;
    public static final long SIZE = 1L << SHIFT;
    /** And with it rounds an address down to its page. */
    public static final long MASK = -SIZE;

    /** log2 of 2 MiB: what one PMD entry spans. */
    public static final int PMD_SHIFT = 21;

    public static final long PMD_SIZE = 1L << PMD_SHIFT;
    public static final long PMD_MASK = -PMD_SIZE;
    /** Order of a huge page's block of frames: 512 frames. */
    public static final int HUGE_ORDER = PMD_SHIFT - SHIFT;

    /** log2 of 1 GiB: what one PUD entry spans. */
    public static final int PUD_SHIFT = 30;

    public static final long PUD_SIZE = 1L << PUD_SHIFT;
    public static final long PUD_MASK = -PUD_SIZE;

    /** log2 of 512 GiB: what one PGD entry spans. */
    public static final int PGD_SHIFT = 39;

    public static final long PGD_SIZE = 1L << PGD_SHIFT;
    public static final long PGD_MASK = -PGD_SIZE;

    private Page() {}

    /** Rounds up to a page; wraps to 0 for the last page of the address space, as PAGE_ALIGN does. */
    public static long alignUp(long address) {
        return (address + SIZE - 1) & MASK;
    }

    /** Offset of an address in its page, in bytes. */
    public static long offset(long address) {
        return address & (SIZE - 1);
    }

    /** How far an address lies behind the start of what its PMD entry spans. */
    public static long offsetInPmd(long address) {
        return address & (PMD_SIZE - 1);
    }

    /** Frame number of a physical address. */
    public static long pfn(long physicalAddress) {
        return physicalAddress >>> SHIFT;
    }

    /** Physical address of a frame. */
    public static long address(long pfn) {
        return pfn << SHIFT;
    }
}
