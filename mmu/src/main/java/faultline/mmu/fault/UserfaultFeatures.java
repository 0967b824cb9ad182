package faultline.mmu.fault;

/** What a userfaultfd can be asked for (UFFD_FEATURE): bits of {@link Userfault#features()}. */
public final class UserfaultFeatures {
    public static final long PAGEFAULT_FLAG_WP = 1;
    /** Tells of a fork, and gives a descriptor for the child's mappings. */
    public static final long EVENT_FORK = 1 << 1;
    /** Tells of mremap, and the moved mapping stays registered. */
    public static final long EVENT_REMAP = 1 << 2;
    /** Tells before madvise takes pages away. */
    public static final long EVENT_REMOVE = 1 << 3;

    public static final long MISSING_HUGETLBFS = 1 << 4;
    public static final long MISSING_SHMEM = 1 << 5;
    /** Tells after munmap. */
    public static final long EVENT_UNMAP = 1 << 6;
    /** Faults end in SIGBUS instead of waiting. */
    public static final long SIGBUS = 1 << 7;

    public static final long THREAD_ID = 1 << 8;
    public static final long MINOR_HUGETLBFS = 1 << 9;
    /** Pages of shared memory that exist and are not mapped are asked for too. */
    public static final long MINOR_SHMEM = 1 << 10;
    /** Messages have the address that was touched, not the page's. */
    public static final long EXACT_ADDRESS = 1 << 11;

    public static final long WP_HUGETLBFS_SHMEM = 1 << 12;
    /** Anonymous pages that do not exist can be protected too. */
    public static final long WP_UNPOPULATED = 1 << 13;

    public static final long POISON = 1 << 14;
    /** Writes to protected pages just end the protection: whoever wants to know reads it from pagemap. */
    public static final long WP_ASYNC = 1 << 15;

    public static final long MOVE = 1 << 16;

    private UserfaultFeatures() {}
}
