package faultline.mmu.gup;

/** What the caller of {@link FollowPage} wants with the page (seed 001, and what later kernels added). */
public final class FollFlags {
    /** The page is going to be written: the entry must allow it. */
    public static final int WRITE = 0x01;
    /** Mark the page accessed, and dirty if it is going to be written. */
    public static final int TOUCH = 0x02;
    /** Take a reference on the page. */
    public static final int GET = 0x04;
    /** Where there is no page table, the page of zeros will do. */
    public static final int ANON = 0x08;
    /** The caller overrides the mapping's rights (ptrace). */
    public static final int FORCE = 0x10;
    /** Copy-on-write has been broken for this caller: its private copy may be written though the entry is read-only. */
    public static final int COW = 0x20;

    private FollFlags() {}
}
