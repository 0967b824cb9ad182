package faultline.mmu.phys;

/**
 * State bits of a frame, the counterpart of enum pageflags; each constant is one bit of {@link FrameTable}'s flags
 * word.
 */
public final class PageFlags {
    /** Someone has the page to itself: reads it in, writes it back, unmaps it. Taken with {@code testAndSet}. */
    public static final int LOCKED = 1;
    /** Content is valid. */
    public static final int UPTODATE = 1 << 1;
    /** Content is newer than the file's or swap slot's. */
    public static final int DIRTY = 1 << 2;
    /** Used since last looked at. */
    public static final int REFERENCED = 1 << 3;
    /** On the list of pages in use; with {@link #LRU}. */
    public static final int ACTIVE = 1 << 4;
    /** On one of the reclaim lists. */
    public static final int LRU = 1 << 5;
    /** In the swap cache; the frame's private value is its swap entry. */
    public static final int SWAPCACHE = 1 << 6;
    /** Never allocated, never reclaimed, not counted in rss: frame 0, the zero page, device memory. */
    public static final int RESERVED = 1 << 7;
    /** Being written to its file or swap slot. */
    public static final int WRITEBACK = 1 << 8;
    /** Anonymous: its mapping object is an anonymous reverse map, not a file. */
    public static final int ANON = 1 << 9;
    /** In a locked area: not to be reclaimed. */
    public static final int MLOCKED = 1 << 10;
    /** First frame of a block of 2^order frames allocated as one. */
    public static final int HEAD = 1 << 11;
    /** Another frame of such a block; its private value is the head's frame number. */
    public static final int TAIL = 1 << 12;
    /** A page table; its private value is the level, 1 (PTE) to 4 (PGD). */
    public static final int TABLE = 1 << 13;
    /** The page of zeros that untouched anonymous memory reads from. */
    public static final int ZERO = 1 << 14;
    /** Free, in the allocator's hands. */
    public static final int FREE = 1 << 15;
    /** Goes to swap, not to a file, when reclaimed: anonymous and shared anonymous memory. */
    public static final int SWAPBACKED = 1 << 16;
    /** An error happened reading or writing it. */
    public static final int ERROR = 1 << 17;
    /** May be reclaimed soon: the writeback that ends next frees it. */
    public static final int RECLAIM = 1 << 18;
    /** Anonymous and mapped by one address space only, so that it may be written without copying. */
    public static final int ANON_EXCLUSIVE = 1 << 19;
    /** Belongs to the pool of MAP_HUGETLB pages. */
    public static final int HUGETLB = 1 << 20;
    /** The kernel's own: memory handed out by vmalloc, tables of the kernel half. */
    public static final int KERNEL = 1 << 21;
    /** Cannot be evicted: locked or in an unevictable mapping. */
    public static final int UNEVICTABLE = 1 << 22;
    /** For the file layer's own use. */
    public static final int OWNER_PRIVATE = 1 << 23;
    /** Charged to a group of processes ({@code folio_memcg}). */
    public static final int MEMCG = 1 << 24;

    /** Stands for many pages of equal content: anonymous, in nobody's reverse map, and never written. */
    public static final int KSM = 1 << 25;

    private static final String[] NAMES = {
        "locked",
        "uptodate",
        "dirty",
        "referenced",
        "active",
        "lru",
        "swapcache",
        "reserved",
        "writeback",
        "anon",
        "mlocked",
        "head",
        "tail",
        "table",
        "zero",
        "free",
        "swapbacked",
        "error",
        "reclaim",
        "anon_exclusive",
        "hugetlb",
        "kernel",
        "unevictable",
        "owner_private",
        "memcg",
        "ksm"
    };

    private PageFlags() {}

    /** For messages: names of the bits set, separated by {@code |}. */
    public static String toString(int flags) {
        StringBuilder text = new StringBuilder();
        for (int bit = 0; bit < NAMES.length; bit++) {
            if ((flags & 1 << bit) != 0) {
                text.append(text.isEmpty() ? "" : "|").append(NAMES[bit]);
            }
        }
        return text.toString();
    }
}
