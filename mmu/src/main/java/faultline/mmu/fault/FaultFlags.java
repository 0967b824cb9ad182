package faultline.mmu.fault;

/** How a fault was asked for: bits of {@code faultFlags}, values as Linux's {@code enum fault_flag}. */
public final class FaultFlags {
    /** A write. */
    public static final int WRITE = 0x1;
    /** May end in {@link VmFault#RETRY} instead of waiting. */
    public static final int RETRY_NOWAIT = 0x8;
    /** On behalf of user code (not of a copy to or from it). */
    public static final int USER = 0x40;
    /** Not the current task's own address space. */
    public static final int REMOTE = 0x80;
    /** An instruction fetch. */
    public static final int INSTRUCTION = 0x100;

    private FaultFlags() {}
}
