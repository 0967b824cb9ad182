package faultline.mmu.mm;

/** Flags of mmap(2) and mremap(2) with Linux's values on x86-64. */
public final class MmapFlags {
    public static final int SHARED = 0x01;
    public static final int PRIVATE = 0x02;
    public static final int SHARED_VALIDATE = 0x03;
    public static final int DROPPABLE = 0x08;
    public static final int TYPE = 0x0f;
    public static final int FIXED = 0x10;
    public static final int ANONYMOUS = 0x20;
    public static final int BIT32 = 0x40;
    public static final int ABOVE4G = 0x80;
    public static final int GROWSDOWN = 0x0100;
    public static final int DENYWRITE = 0x0800;
    public static final int EXECUTABLE = 0x1000;
    public static final int LOCKED = 0x2000;
    public static final int NORESERVE = 0x4000;
    public static final int POPULATE = 0x8000;
    public static final int NONBLOCK = 0x1_0000;
    public static final int STACK = 0x2_0000;
    public static final int HUGETLB = 0x4_0000;
    public static final int SYNC = 0x8_0000;
    public static final int FIXED_NOREPLACE = 0x10_0000;
    public static final int UNINITIALIZED = 0x400_0000;
    /** Bits 26 to 31 hold log2 of the huge page size. */
    public static final int HUGE_SHIFT = 26;

    public static final int HUGE_MASK = 0x3f;

    /** What MAP_SHARED silently keeps, and MAP_SHARED_VALIDATE accepts (Linux: {@code LEGACY_MAP_MASK}). */
    public static final int LEGACY_MASK = SHARED
            | PRIVATE
            | FIXED
            | ANONYMOUS
            | DENYWRITE
            | EXECUTABLE
            | UNINITIALIZED
            | GROWSDOWN
            | LOCKED
            | NORESERVE
            | POPULATE
            | NONBLOCK
            | STACK
            | HUGETLB
            | BIT32
            | ABOVE4G
            | HUGE_MASK << HUGE_SHIFT;

    public static final int MREMAP_MAYMOVE = 1;
    public static final int MREMAP_FIXED = 2;
    public static final int MREMAP_DONTUNMAP = 4;

    private MmapFlags() {}
}
