package faultline.mmu.table;

/** How mremap moves page-table entries. The result is the same. */
public enum MoveMode {
    /** One entry at a time, a destination table only where an entry needs one: Linux up to 2.6.14. */
    PAGE,
    /** An extent at a time, up to the end of either table or 64 pages: Linux 2.6.15 on. */
    EXTENT,
    /** Whole tables where both sides are aligned to what a table spans, extents elsewhere: Linux 2.6.38 on. */
    PMD
}
