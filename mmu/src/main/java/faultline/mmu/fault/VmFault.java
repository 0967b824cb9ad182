package faultline.mmu.fault;

/** What {@link FaultHandler#handleMmFault} reports: a set of bits, values as Linux's {@code enum vm_fault_reason}. */
public final class VmFault {
    /** No memory. */
    public static final int OOM = 0x1;
    /** Nothing there to map: beyond the end of the file, or its store cannot be read. */
    public static final int SIGBUS = 0x2;
    /** The backing store was read. */
    public static final int MAJOR = 0x4;
    /** Copy-on-write has been broken, even where the entry stays read-only (a forced write; seed 001). */
    public static final int WRITE = 0x8;
    /** The page is poisoned. */
    public static final int HWPOISON = 0x10;
    /** No right to this access. */
    public static final int SIGSEGV = 0x40;
    /** The entry is as it should be; there is nothing to enter. */
    public static final int NOPAGE = 0x100;
    /** The page comes locked. */
    public static final int LOCKED = 0x200;
    /** Not finished: do it again (lost a race, or may not wait). */
    public static final int RETRY = 0x400;
    /** A huge page is not to be had; try small ones. */
    public static final int FALLBACK = 0x800;
    /** Set in every result that is an error. */
    public static final int ERROR = OOM | SIGBUS | HWPOISON | SIGSEGV;

    private VmFault() {}
}
