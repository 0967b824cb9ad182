package faultline.mmu.mm;

/** Protection bits of mmap(2) and mprotect(2) (asm-generic/mman-common.h). */
public final class Prot {
    public static final int NONE = 0;
    public static final int READ = 1;
    public static final int WRITE = 2;
    public static final int EXEC = 4;
    /** Page may be used for atomic operations: accepted, means nothing on x86. */
    public static final int SEM = 8;
    /** Extend the change to the start of a mapping that grows down; mprotect only. */
    public static final int GROWSDOWN = 0x0100_0000;
    /** Extend the change to the end of a mapping that grows up; mprotect only, and no such mapping exists on x86. */
    public static final int GROWSUP = 0x0200_0000;

    private Prot() {}
}
