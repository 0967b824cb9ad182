package faultline.emulator.ptrace;

/** Options of PTRACE_SETOPTIONS: bit n asks for event n, and two that are no events. */
final class PtraceOptions {
    static final int TRACESYSGOOD = 1;
    static final int EXITKILL = 1 << 20;

    /** Those above, and events of fork, vfork, clone, execve, the end of vfork, and exit. */
    static final int KNOWN = EXITKILL | 0x7f;

    private PtraceOptions() {}
}
