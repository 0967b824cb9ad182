package faultline.mmu.fault;

/** What a page fault did, for traces and counts; the last rung of the ladder that it reached. */
public enum FaultPath {
    /** Nothing yet, or the fault ended before any page-table entry was looked at. */
    NONE,
    /** Anonymous read: the shared zero page was mapped. */
    ZERO_PAGE,
    /** Anonymous write: a new zeroed frame. */
    NEW_PAGE,
    /** Write to a page that others hold too: copied. */
    COW_COPY,
    /** Write to a page that nobody else holds: made writable in place. */
    COW_REUSE,
    /** Page of a file mapped for reading, with neighbours that were cached. */
    FILE_READ,
    /** First write to a private mapping of a file, page not mapped before: copied from the cache. */
    FILE_COW,
    /** Write to a shared mapping of a file: mapped writable and marked dirty. */
    SHARED_WRITE,
    /** Read back from the swap area, or found in the swap cache. */
    SWAP_IN,
    /** The entry allowed the access already: another task was quicker, or the translation was stale. */
    SPURIOUS,
    /** A whole 2 MiB entry. */
    HUGE,
    /** A huge page of the pool (MAP_HUGETLB). */
    HUGETLB,
    /** A page known by a file entry of a nonlinear mapping. */
    NONLINEAR,
    /** A guard page or a poisoned one: a signal. */
    MARKER,
    /** A page that user space provides: the task waits for it, or came back from waiting (userfaultfd). */
    USERFAULT
}
