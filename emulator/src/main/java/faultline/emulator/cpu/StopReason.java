package faultline.emulator.cpu;

/** What a hook noted before it stopped the engine; Unicorn's own result does not tell. */
enum StopReason {
    NONE,
    /** The syscall instruction, where no native thunk can note it. */
    SYSCALL,
    /** The interrupt hook: {@code vector}. */
    INTERRUPT,
    /** One instruction was executed with the trap flag. */
    STEP,
    /** An instruction that Unicorn executes and user code must not: the vector and RIP were noted. */
    FORBIDDEN,
    /** A block wanted the next page too early. */
    EARLY_FETCH,
    /** A page fault to be handled outside the hook. */
    FAULT_OUTSIDE,
    FAULT_SIGNAL,
    FAULT_RETRY,
    FAULT_OOM
}
