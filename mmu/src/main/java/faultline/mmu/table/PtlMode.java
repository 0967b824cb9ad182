package faultline.mmu.table;

/** Which lock guards the entries of a page table. Callers cannot tell: they ask {@link PageTables}. */
public enum PtlMode {
    /** One lock an address space, {@code mm->page_table_lock}: Linux 2.6.15 as in the seeds. */
    MM,
    /** One lock a table of PTEs and one a table of PMDs; {@code mm->page_table_lock} above: Linux since 2.6.16. */
    SPLIT
}
