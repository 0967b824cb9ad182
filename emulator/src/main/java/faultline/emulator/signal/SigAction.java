package faultline.emulator.signal;

/**
 * What a process wants done on a signal (struct kernel_sigaction).
 *
 * @param handler address of the handler, {@link #SIG_DFL} or {@link #SIG_IGN}
 * @param flags SA_… bits
 * @param restorer where the handler returns to
 * @param mask signals blocked while the handler runs
 */
public record SigAction(long handler, long flags, long restorer, long mask) {
    public static final long SIG_DFL = 0;
    public static final long SIG_IGN = 1;

    public static final long SA_NOCLDSTOP = 1;
    public static final long SA_NOCLDWAIT = 2;
    public static final long SA_SIGINFO = 4;
    public static final long SA_RESTORER = 0x04000000;
    public static final long SA_ONSTACK = 0x08000000;
    public static final long SA_RESTART = 0x10000000;
    public static final long SA_NODEFER = 0x40000000;
    public static final long SA_RESETHAND = 0x80000000L;
    /** SA_UNSUPPORTED and SA_EXPOSE_TAGBITS: bits that sigaction(2) clears so that programs can probe for them. */
    private static final long SA_KNOWN = SA_NOCLDSTOP
            | SA_NOCLDWAIT
            | SA_SIGINFO
            | SA_RESTORER
            | SA_ONSTACK
            | SA_RESTART
            | SA_NODEFER
            | SA_RESETHAND
            | 0x800;

    /** Size of the structure in guest memory. */
    public static final int SIZE = 32;

    public static final SigAction DEFAULT = new SigAction(SIG_DFL, 0, 0, 0);
    public static final SigAction IGNORE = new SigAction(SIG_IGN, 0, 0, 0);

    /** As sigaction(2) stores it: unknown flags cleared, SIGKILL and SIGSTOP never blocked. */
    SigAction stored() {
        return new SigAction(handler, flags & SA_KNOWN, restorer, mask & ~Signals.UNBLOCKABLE);
    }

    /** What SA_RESETHAND leaves: the default, with flags and mask as they were. */
    SigAction withoutHandler() {
        return new SigAction(SIG_DFL, flags, restorer, mask);
    }

    /** Whether a flag SA_* is set. */
    public boolean has(long flag) {
        return (flags & flag) != 0;
    }

    /** Whether a signal with this action needs not even be queued. */
    public boolean ignores(int signal) {
        return handler == SIG_IGN || handler == SIG_DFL && Signals.ignoredByDefault(signal);
    }
}
