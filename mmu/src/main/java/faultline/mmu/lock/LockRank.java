package faultline.mmu.lock;

/**
 * The lock order as data: a task may take a lock only when it holds none of a later rank, outermost first.
 *
 * <p>Two locks of one rank are never held together, except where {@link #nestable} says so: then the second is taken
 * with {@link SpinLock#lockNested}, and the code that does it states why no other task can take the two the other way
 * round.
 */
public enum LockRank {
    /** The scanner of same-page merging, and all it knows. A sleeping lock. */
    KSM_LOCK(false),
    /** Size of one file, and write(2) to it (inode lock). A sleeping lock. */
    INODE_LOCK(false),
    /** Shape of an address space: its areas, and that its page tables stay (mmap_lock). A sleeping lock. */
    MMAP_LOCK(false),
    /**
     * Pages of one file of huge pages, where they are mapped, and what is reserved for it (hugetlb fault mutex).
     * Sleeps.
     */
    HUGETLB_LOCK(false),
    /** Content and identity of one page: page lock, PG_locked. A sleeping lock. */
    PAGE_LOCK(false),
    /** The mappings of one file (i_mmap lock): held against truncation and reverse-map walks. */
    I_MMAP_LOCK(false),
    /** The areas that may hold one anonymous page (anon_vma lock). */
    ANON_VMA_LOCK(true),
    /** Who waits for user space to provide a page (userfaultfd). */
    USERFAULT_LOCK(false),
    /** Kernel address areas: the tree of vmalloc and ioremap ranges. */
    VMAP_AREA_LOCK(false),
    /** Entries of page tables: one lock an address space or one a table, see {@code PtlMode}. */
    PAGE_TABLE_LOCK(false),
    /** A second table's lock, mremap's destination, taken while {@link #PAGE_TABLE_LOCK} of the source is held. */
    PAGE_TABLE_LOCK_NESTED(false),
    /** The index of one file's cached pages (i_pages lock). */
    PAGE_CACHE_LOCK(false),
    /** Swap areas, their slots and counts, and the swap cache. */
    SWAP_LOCK(false),
    /** Counts and free pages of the pool of huge pages (hugetlb_lock). */
    HUGETLB_POOL_LOCK(false),
    /** Whether a page that stands for many of equal content is still there. */
    KSM_PAGE_LOCK(false),
    /** One cache of single free frames. */
    FRAME_CACHE_LOCK(false),
    /** Lists of pages by last use (lru_lock). */
    LRU_LOCK(false),
    /** Free frames. */
    FRAME_ALLOCATOR_LOCK(false);

    private final boolean nestable;

    LockRank(boolean nestable) {
        this.nestable = nestable;
    }

    /** Whether a task may hold several locks of this rank at once. */
    public boolean nestable() {
        return nestable;
    }

    /** Whether a lock of this rank may be taken while one of rank {@code held} is the innermost lock held. */
    public boolean mayFollow(LockRank held) {
        return ordinal() > held.ordinal() || (this == held && nestable);
    }
}
