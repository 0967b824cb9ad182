package faultline.mmu.table;

import faultline.mmu.annotation.KernelFunction;

/**
 * Rights of an area as bits of its page-table entries (protection_map of x86-64).
 *
 * <p>A private area's entries are never born writable: the first write makes its copy. Entries are born accessed, as
 * Linux's are.
 */
public final class PageProt {
    private static final long VM_READ = 1;
    private static final long VM_WRITE = 2;
    private static final long VM_EXEC = 4;
    private static final long VM_SHARED = 8;

    public static final long NONE = Pte.PROTNONE | Pte.ACCESSED;
    public static final long READONLY = Pte.PRESENT | Pte.USER | Pte.ACCESSED | Pte.NX;
    public static final long READONLY_EXEC = Pte.PRESENT | Pte.USER | Pte.ACCESSED;
    public static final long SHARED = READONLY | Pte.RW;
    public static final long SHARED_EXEC = READONLY_EXEC | Pte.RW;

    private static final long[] MAP = new long[16];

    static {
        for (int flags = 0; flags < MAP.length; flags++) {
            MAP[flags] = bits(flags);
        }
    }

    private PageProt() {}

    private static long bits(long flags) {
        if ((flags & (VM_READ | VM_WRITE | VM_EXEC)) == 0) {
            return NONE;
        }
        long prot = (flags & VM_EXEC) != 0 ? READONLY_EXEC : READONLY;
        return (flags & (VM_WRITE | VM_SHARED)) == (VM_WRITE | VM_SHARED) ? prot | Pte.RW : prot;
    }

    /** Bits for an area. @param vmFlags VM_READ 1, VM_WRITE 2, VM_EXEC 4, VM_SHARED 8; others are ignored */
    @KernelFunction("vm_get_page_prot")
    public static long of(int vmFlags) {
        return MAP[vmFlags & 15];
    }

    /** As {@link #of(int)} for flags kept in a long. */
    public static long ofFlags(long vmFlags) {
        return MAP[(int) vmFlags & 15];
    }
}
