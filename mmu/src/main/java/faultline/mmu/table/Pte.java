package faultline.mmu.table;

import faultline.mmu.annotation.KernelFunction;

/**
 * Page-table entries of x86-64 as {@code long}s: the processor's bits, and the software's in the bits that it ignores.
 *
 * <pre>
 *   63  62..52      51..12   11          10       9        8  7       6  5  4    3    2   1   0
 *   NX  ignored     frame    soft-dirty  uffd-wp  special  G  PS/PAT  D  A  PCD  PWT  US  RW  P
 * </pre>
 *
 * An entry that is not present (P clear) is one of:
 *
 * <pre>
 *   0                                            none: nothing was ever here
 *   G set                                        PROT_NONE: frame and all as if present, but the processor faults
 *   63..59 type  58..9 ~offset  6: 0  3 excl  2 uffd-wp  1 soft-dirty     swap entry
 *   63..59 all set  58..9 ~kinds  6: 0           marker: no page is there, and something is to be remembered of it
 *   58..9 page offset in the file  6: 1          file entry of a nonlinear mapping (up to Linux 3.19)
 * </pre>
 *
 * The swap offset is inverted so that no entry is 0, and so that it points, for a processor that speculates, to no
 * memory (L1TF).
 */
public final class Pte {
    public static final long PRESENT = 1;
    public static final long RW = 1 << 1;
    public static final long USER = 1 << 2;
    public static final long PWT = 1 << 3;
    public static final long PCD = 1 << 4;
    public static final long ACCESSED = 1 << 5;
    public static final long DIRTY = 1 << 6;
    /** In PMD and PUD entries: a huge page, not a table. */
    public static final long PSE = 1 << 7;

    public static final long GLOBAL = 1 << 8;
    /** Present bit of entries that the processor must not use. Means something only where P is clear. */
    public static final long PROTNONE = GLOBAL;
    /** Software: the frame is not counted (zero page, device memory). */
    public static final long SPECIAL = 1 << 9;
    /** Software: write-protected by userfaultfd. */
    public static final long UFFD_WP = 1 << 10;
    /** Software: written since soft-dirty bits were cleared. */
    public static final long SOFT_DIRTY = 1 << 11;

    public static final long NX = Long.MIN_VALUE;

    /** The frame's address in an entry: bits 12 to 51. */
    public static final long PFN_MASK = 0x000f_ffff_ffff_f000L;
    /** Bits of an entry that mprotect leaves alone (_PAGE_CHG_MASK). */
    public static final long CHANGE_MASK =
            PFN_MASK | PCD | PWT | SPECIAL | ACCESSED | DIRTY | SOFT_DIRTY | UFFD_WP | PSE;

    /** What an entry that points to a user table holds besides its address (_PAGE_TABLE). */
    public static final long TABLE = PRESENT | RW | USER | ACCESSED | DIRTY;
    /** The same of the kernel half (_KERNPG_TABLE). */
    public static final long KERNEL_TABLE = PRESENT | RW | ACCESSED | DIRTY;
    /** Kernel memory, read and write (PAGE_KERNEL). */
    public static final long KERNEL = PRESENT | RW | ACCESSED | DIRTY | GLOBAL | NX;
    /** Device memory mapped into the kernel, uncached (PAGE_KERNEL_IO_NOCACHE). */
    public static final long KERNEL_NOCACHE = KERNEL | PCD | PWT;

    private static final long FILE = DIRTY;
    private static final long SWAP_SOFT_DIRTY = RW;
    private static final long SWAP_UFFD_WP = USER;
    private static final long SWAP_EXCLUSIVE = PWT;
    private static final int SWAP_TYPE_SHIFT = 59;
    private static final int SWAP_OFFSET_SHIFT = 9;
    private static final long SWAP_OFFSET_MASK = (1L << SWAP_TYPE_SHIFT - SWAP_OFFSET_SHIFT) - 1;

    /** Largest slot of a swap area: one less than fits, since that one of area 0 would look like none. */
    public static final long MAX_SWAP_OFFSET = SWAP_OFFSET_MASK - 1;

    /** Highest number of swap areas: the last type is the markers'. */
    public static final int MAX_SWAP_TYPES = 31;

    /** Kind of marker: the page, when it comes, is write-protected for user space (Linux: PTE_MARKER_UFFD_WP). */
    public static final int MARKER_UFFD_WP = 1;
    /** Kind of marker: touching the page is an error of memory, SIGBUS (Linux: PTE_MARKER_POISONED). */
    public static final int MARKER_POISONED = 2;
    /** Kind of marker: a guard page, SIGSEGV (Linux: PTE_MARKER_GUARD). */
    public static final int MARKER_GUARD = 4;

    private static final int MARKER_TYPE = 31;

    private Pte() {}

    // ---- what it is

    /** Whether nothing stands there. */
    @KernelFunction("pte_none")
    public static boolean isNone(long pte) {
        return pte == 0;
    }

    /** Whether it maps a frame, PROT_NONE included. */
    @KernelFunction("pte_present")
    public static boolean isPresent(long pte) {
        return (pte & (PRESENT | PROTNONE)) != 0;
    }

    /** Whether the processor may use it. */
    public static boolean isHardwarePresent(long pte) {
        return (pte & PRESENT) != 0;
    }

    /** Whether it maps a frame that nobody may use. */
    @KernelFunction("pte_protnone")
    public static boolean isProtNone(long pte) {
        return (pte & (PRESENT | PROTNONE)) == PROTNONE;
    }

    /** Whether it may be written through. */
    @KernelFunction("pte_write")
    public static boolean isWrite(long pte) {
        return (pte & RW) != 0;
    }

    /** Whether user mode may use it. */
    @KernelFunction("pte_user")
    public static boolean isUser(long pte) {
        return (pte & USER) != 0;
    }

    /** Whether code may run from it: the bit NX is the sign. */
    @KernelFunction("pte_exec")
    public static boolean isExec(long pte) {
        return pte >= 0;
    }

    /** Whether it was written through. */
    @KernelFunction("pte_dirty")
    public static boolean isDirty(long pte) {
        return (pte & DIRTY) != 0;
    }

    /** Whether it was used. */
    @KernelFunction("pte_young")
    public static boolean isYoung(long pte) {
        return (pte & ACCESSED) != 0;
    }

    /** Whether its frame is not counted: zero page, device. */
    @KernelFunction("pte_special")
    public static boolean isSpecial(long pte) {
        return (pte & SPECIAL) != 0;
    }

    /** Of PMD and PUD entries: whether it maps a huge page. */
    @KernelFunction("pmd_leaf")
    public static boolean isHuge(long entry) {
        return (entry & PSE) != 0 && isPresent(entry);
    }

    /** Of PGD, PUD and PMD entries: whether it points to a table. */
    public static boolean isTable(long entry) {
        return (entry & (PRESENT | PSE)) == PRESENT;
    }

    /** Whether it was written since clear_refs, wherever the bit stands in this kind of entry. */
    @KernelFunction("pte_soft_dirty")
    public static boolean isSoftDirty(long pte) {
        return (pte & (isPresent(pte) ? SOFT_DIRTY : SWAP_SOFT_DIRTY)) != 0;
    }

    /** Whether a userfaultfd protects it, wherever the bit stands in this kind of entry. */
    @KernelFunction("pte_uffd_wp")
    public static boolean isUffdWp(long pte) {
        return (pte & (isPresent(pte) ? UFFD_WP : SWAP_UFFD_WP)) != 0;
    }

    /** Whether nothing is there that a fault would have to give up: none, or a marker of write protection. */
    public static boolean isVacant(long pte) {
        return isNone(pte) || isUffdWpMarker(pte);
    }

    // ---- changes

    /** Allows writing. */
    @KernelFunction("pte_mkwrite")
    public static long mkWrite(long pte) {
        return pte | RW;
    }

    /** Forbids writing. */
    @KernelFunction("pte_wrprotect")
    public static long wrprotect(long pte) {
        return pte & ~RW;
    }

    /** Sets dirty and, as Linux does, soft-dirty. */
    @KernelFunction("pte_mkdirty")
    public static long mkDirty(long pte) {
        return pte | DIRTY | SOFT_DIRTY;
    }

    /** Clears dirty; soft-dirty stays. */
    @KernelFunction("pte_mkclean")
    public static long mkClean(long pte) {
        return pte & ~DIRTY;
    }

    /** Sets accessed. */
    @KernelFunction("pte_mkyoung")
    public static long mkYoung(long pte) {
        return pte | ACCESSED;
    }

    /** Clears accessed. */
    @KernelFunction("pte_mkold")
    public static long mkOld(long pte) {
        return pte & ~ACCESSED;
    }

    /** Marks the frame as not counted. */
    @KernelFunction("pte_mkspecial")
    public static long mkSpecial(long pte) {
        return pte | SPECIAL;
    }

    /** Makes an entry of a PMD or PUD map a huge page. */
    @KernelFunction("pmd_mkhuge")
    public static long mkHuge(long entry) {
        return entry | PSE;
    }

    /** Sets soft-dirty, wherever it stands in this kind of entry; leaves none and file entries alone. */
    @KernelFunction("pte_mksoft_dirty")
    public static long mkSoftDirty(long pte) {
        if (isPresent(pte)) {
            return pte | SOFT_DIRTY;
        }
        return isSwap(pte) ? pte | SWAP_SOFT_DIRTY : pte;
    }

    /** Clears soft-dirty, wherever it stands in this kind of entry. */
    @KernelFunction("pte_clear_soft_dirty")
    public static long clearSoftDirty(long pte) {
        if (isPresent(pte)) {
            return pte & ~SOFT_DIRTY;
        }
        return isSwap(pte) ? pte & ~SWAP_SOFT_DIRTY : pte;
    }

    /** Protects for a userfaultfd; a present entry loses the right to write. */
    @KernelFunction("pte_mkuffd_wp")
    public static long mkUffdWp(long pte) {
        return isPresent(pte) ? wrprotect(pte | UFFD_WP) : pte | SWAP_UFFD_WP;
    }

    /** Ends the protection; a present entry does not get back the right to write. */
    @KernelFunction("pte_clear_uffd_wp")
    public static long clearUffdWp(long pte) {
        return isPresent(pte) ? pte & ~UFFD_WP : pte & ~SWAP_UFFD_WP;
    }

    /** Gives a present entry other rights; frame, accessed, dirty and software bits stay. */
    @KernelFunction("pte_modify")
    public static long modify(long pte, long prot) {
        return pte & CHANGE_MASK | prot & ~CHANGE_MASK;
    }

    // ---- frame

    /** Frame number of a present entry. */
    @KernelFunction("pte_pfn")
    public static long pfn(long pte) {
        return (pte & PFN_MASK) >>> 12;
    }

    /** Physical address that a present entry, or one pointing to a table, holds. */
    public static long address(long pte) {
        return pte & PFN_MASK;
    }

    /** Makes an entry. @param prot bits besides the frame, see {@link PageProt} */
    @KernelFunction("pfn_pte")
    public static long of(long pfn, long prot) {
        return pfn << 12 & PFN_MASK | prot;
    }

    // ---- not present

    /** Whether it stands for a page in a swap area. */
    @KernelFunction("is_swap_pte")
    public static boolean isSwap(long pte) {
        return pte != 0 && (pte & (PRESENT | PROTNONE | FILE)) == 0 && swapType(pte) != MARKER_TYPE;
    }

    /**
     * Makes a swap entry. @param type number of the area, 0 to 31 @param offset slot, up to {@link #MAX_SWAP_OFFSET}
     */
    @KernelFunction("swp_entry_to_pte")
    public static long swap(int type, long offset) {
        return (long) type << SWAP_TYPE_SHIFT | (~offset & SWAP_OFFSET_MASK) << SWAP_OFFSET_SHIFT;
    }

    /** Number of the swap area, of a swap entry. */
    @KernelFunction("__swp_type")
    public static int swapType(long pte) {
        return (int) (pte >>> SWAP_TYPE_SHIFT);
    }

    /** Slot in the swap area, of a swap entry. */
    @KernelFunction("__swp_offset")
    public static long swapOffset(long pte) {
        return ~(pte >>> SWAP_OFFSET_SHIFT) & SWAP_OFFSET_MASK;
    }

    /** The entry without its software bits: the same for all address spaces that map the slot. */
    public static long swapKey(long pte) {
        return pte & ~(SWAP_SOFT_DIRTY | SWAP_UFFD_WP | SWAP_EXCLUSIVE);
    }

    /** A present entry for the page of a swap entry, soft-dirty and write-protected by userfaultfd as that was. */
    public static long withSoftBits(long pte, long swap) {
        long entry = isSoftDirty(swap) ? mkSoftDirty(pte) : pte;
        return isUffdWp(swap) ? mkUffdWp(entry) : entry;
    }

    /** Whether one process alone had the page of a swap entry when it went. */
    @KernelFunction("pte_swp_exclusive")
    public static boolean isSwapExclusive(long pte) {
        return (pte & SWAP_EXCLUSIVE) != 0;
    }

    /** Notes that one process alone has the page. */
    @KernelFunction("pte_swp_mkexclusive")
    public static long mkSwapExclusive(long pte) {
        return pte | SWAP_EXCLUSIVE;
    }

    /** Forgets that one process alone has the page: at fork. */
    @KernelFunction("pte_swp_clear_exclusive")
    public static long clearSwapExclusive(long pte) {
        return pte & ~SWAP_EXCLUSIVE;
    }

    /** Whether it stands for no page, and remembers something of its address. */
    @KernelFunction("is_pte_marker")
    public static boolean isMarker(long pte) {
        return (pte & (PRESENT | PROTNONE | FILE)) == 0 && swapType(pte) == MARKER_TYPE;
    }

    /** Makes a marker. @param kinds a set of MARKER bits, not empty */
    @KernelFunction("make_pte_marker")
    public static long marker(int kinds) {
        return swap(MARKER_TYPE, kinds);
    }

    /** Whether it is a marker of a guard page. */
    @KernelFunction("is_guard_swp_entry")
    public static boolean isGuard(long pte) {
        return isMarker(pte) && (swapOffset(pte) & MARKER_GUARD) != 0;
    }

    /** Whether it is a marker of a page to be write-protected for user space. */
    @KernelFunction("pte_is_uffd_wp_marker")
    public static boolean isUffdWpMarker(long pte) {
        return isMarker(pte) && (swapOffset(pte) & MARKER_UFFD_WP) != 0;
    }

    /** Whether it is a marker of a poisoned page. */
    @KernelFunction("is_poisoned_swp_entry")
    public static boolean isPoisoned(long pte) {
        return isMarker(pte) && (swapOffset(pte) & MARKER_POISONED) != 0;
    }

    /** Whether it stands for a page of a nonlinear file mapping. */
    @KernelFunction("pte_file")
    public static boolean isFile(long pte) {
        return (pte & (PRESENT | PROTNONE | FILE)) == FILE;
    }

    /** Makes a file entry. @param pgoff page of the file, 50 bits */
    @KernelFunction("pgoff_to_pte")
    public static long file(long pgoff) {
        return (pgoff & SWAP_OFFSET_MASK) << SWAP_OFFSET_SHIFT | FILE;
    }

    /** Page of the file, of an entry of a nonlinear mapping. */
    @KernelFunction("pte_to_pgoff")
    public static long fileOffset(long pte) {
        return pte >>> SWAP_OFFSET_SHIFT & SWAP_OFFSET_MASK;
    }

    /** For messages. */
    public static String toString(long pte) {
        if (isNone(pte)) {
            return "none";
        }
        if (isMarker(pte)) {
            return "marker " + swapOffset(pte);
        }
        if (isSwap(pte)) {
            return "swap type " + swapType(pte) + " offset " + swapOffset(pte);
        }
        if (isFile(pte)) {
            return "file page " + fileOffset(pte);
        }
        return "frame " + pfn(pte) + (isProtNone(pte) ? " protnone" : "") + (isWrite(pte) ? " w" : "")
                + (isUser(pte) ? " u" : "") + (isExec(pte) ? " x" : "") + (isYoung(pte) ? " accessed" : "")
                + (isDirty(pte) ? " dirty" : "") + (isSpecial(pte) ? " special" : "")
                + (isSoftDirty(pte) ? " soft-dirty" : "") + (isUffdWp(pte) ? " uffd-wp" : "");
    }
}
