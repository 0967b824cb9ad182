package faultline.mmu.mm;

/**
 * Bits of a mapping's flags ({@code VM_*} of linux/mm.h), with Linux's values on x86-64.
 *
 * <p>Bits above 31 exist on 64-bit Linux too ({@code VM_HIGH_ARCH_*}); {@link #NONLINEAR} has a place of its own
 * because Linux gave its old one away when nonlinear mappings went in 4.0.
 */
public final class VmFlags {
    public static final long READ = 0x1;
    public static final long WRITE = 0x2;
    public static final long EXEC = 0x4;
    /** Writes go to the object: set when shared and the file is writable. */
    public static final long SHARED = 0x8;

    public static final long MAYREAD = 0x10;
    public static final long MAYWRITE = 0x20;
    public static final long MAYEXEC = 0x40;
    /** Mapped with MAP_SHARED, even if the file is read-only: the {@code s} of /proc/PID/maps. */
    public static final long MAYSHARE = 0x80;

    public static final long GROWSDOWN = 0x100;
    public static final long UFFD_MISSING = 0x200;
    public static final long PFNMAP = 0x400;
    public static final long UFFD_WP = 0x1000;
    public static final long LOCKED = 0x2000;
    public static final long IO = 0x4000;
    public static final long SEQ_READ = 0x8000;
    public static final long RAND_READ = 0x1_0000;
    public static final long DONTCOPY = 0x2_0000;
    public static final long DONTEXPAND = 0x4_0000;
    public static final long LOCKONFAULT = 0x8_0000;
    /** Counted in the machine's commit charge. */
    public static final long ACCOUNT = 0x10_0000;

    public static final long NORESERVE = 0x20_0000;
    public static final long HUGETLB = 0x40_0000;
    public static final long SYNC = 0x80_0000;
    public static final long ARCH_1 = 0x100_0000;
    public static final long WIPEONFORK = 0x200_0000;
    public static final long DONTDUMP = 0x400_0000;
    public static final long SOFTDIRTY = 0x800_0000;
    public static final long MIXEDMAP = 0x1000_0000;
    public static final long HUGEPAGE = 0x2000_0000;
    public static final long NOHUGEPAGE = 0x4000_0000;
    public static final long MERGEABLE = 0x8000_0000L;
    public static final long UFFD_MINOR = 1L << 41;
    /** Registered with a userfaultfd, for whatever (__VM_UFFD_FLAGS). */
    public static final long UFFD_ANY = UFFD_MISSING | UFFD_WP | UFFD_MINOR;

    public static final long DROPPABLE = 1L << 40;
    public static final long SEALED = 1L << 42;
    /** Pages may stand elsewhere than their offset says (remap_file_pages before Linux 4.0). */
    public static final long NONLINEAR = 1L << 50;

    public static final long ACCESS_FLAGS = READ | WRITE | EXEC;
    public static final long MAY_FLAGS = MAYREAD | MAYWRITE | MAYEXEC;
    public static final long STACK = GROWSDOWN;
    public static final long STACK_FLAGS = STACK | READ | WRITE | MAYREAD | MAYWRITE | MAYEXEC | ACCOUNT;
    /** Mappings that are never merged nor moved nor locked. */
    public static final long SPECIAL = IO | DONTEXPAND | PFNMAP | MIXEDMAP;

    public static final long LOCKED_MASK = LOCKED | LOCKONFAULT;
    /** What brk's area is made of. */
    public static final long DATA_DEFAULT_FLAGS = READ | WRITE | MAYREAD | MAYWRITE | MAYEXEC;
    /** Marks the stack's temporary place during execve(2): not merged, not swapped. */
    public static final long STACK_INCOMPLETE_SETUP = RAND_READ | SEQ_READ;

    private VmFlags() {}

    /** Private and writable: what RLIMIT_DATA counts (Linux: {@code is_data_mapping}). */
    public static boolean isData(long flags) {
        return (flags & (WRITE | SHARED | STACK)) == WRITE;
    }

    /** Executable and not writable (Linux: {@code is_exec_mapping}). */
    public static boolean isExec(long flags) {
        return (flags & (EXEC | WRITE | STACK)) == EXEC;
    }

    /** Grows (Linux: {@code is_stack_mapping}). */
    public static boolean isStack(long flags) {
        return (flags & STACK) == STACK;
    }

    /** Private, may be or become writable: its pages are copied on write (Linux: {@code is_cow_mapping}). */
    public static boolean isCow(long flags) {
        return (flags & (SHARED | MAYWRITE)) == MAYWRITE;
    }

    /** Shared, and writable now or after mprotect (Linux: {@code is_shared_maywrite}). */
    public static boolean isSharedMayWrite(long flags) {
        return (flags & (SHARED | MAYWRITE)) == (SHARED | MAYWRITE);
    }

    /** The PROT bits of mmap and mprotect as flags; unknown bits are dropped as mmap drops them. */
    public static long ofProt(int prot) {
        return prot & (Prot.READ | Prot.WRITE | Prot.EXEC);
    }
}
