package faultline.emulator.cpu;

/** Why guest code stopped running. */
public enum Exit {
    /** A {@code syscall} instruction: RIP is after it, RCX and R11 are set as the hardware does. */
    SYSCALL,
    /** A page fault that becomes a signal: the context's {@code siSigno}, {@code siCode}, {@code siAddr} are set. */
    FAULT_SIGNAL,
    /** A page fault that has to wait: handle it with {@code mayWait} and run again. */
    FAULT_RETRY,
    /** A page fault for which there is no memory: the context's address and error code are set. */
    FAULT_OOM,
    /** An exception or software interrupt: {@link CpuState#vector()} tells which. */
    EXCEPTION,
    /** Somebody asked for it, or the block budget is used up: RIP is on an instruction that has not begun. */
    STOPPED
}
