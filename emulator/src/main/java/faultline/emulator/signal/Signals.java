package faultline.emulator.signal;

import faultline.mmu.annotation.KernelFunction;

/** Signal numbers, and sets of them as bit masks: bit {@code n - 1} is signal {@code n} (x86-64 Linux). */
public final class Signals {
    public static final int SIGHUP = 1;
    public static final int SIGINT = 2;
    public static final int SIGQUIT = 3;
    public static final int SIGILL = 4;
    public static final int SIGTRAP = 5;
    public static final int SIGABRT = 6;
    public static final int SIGBUS = 7;
    public static final int SIGFPE = 8;
    public static final int SIGKILL = 9;
    public static final int SIGUSR1 = 10;
    public static final int SIGSEGV = 11;
    public static final int SIGUSR2 = 12;
    public static final int SIGPIPE = 13;
    public static final int SIGALRM = 14;
    public static final int SIGTERM = 15;
    public static final int SIGSTKFLT = 16;
    public static final int SIGCHLD = 17;
    public static final int SIGCONT = 18;
    public static final int SIGSTOP = 19;
    public static final int SIGTSTP = 20;
    public static final int SIGTTIN = 21;
    public static final int SIGTTOU = 22;
    public static final int SIGURG = 23;
    public static final int SIGXCPU = 24;
    public static final int SIGXFSZ = 25;
    public static final int SIGVTALRM = 26;
    public static final int SIGPROF = 27;
    public static final int SIGWINCH = 28;
    public static final int SIGIO = 29;
    public static final int SIGPWR = 30;
    public static final int SIGSYS = 31;
    /** First real-time signal. */
    public static final int SIGRTMIN = 32;
    /** Highest signal number. */
    public static final int MAX = 64;

    /** SIGKILL and SIGSTOP: never blocked, caught or ignored. */
    public static final long UNBLOCKABLE = mask(SIGKILL) | mask(SIGSTOP);

    /** Signals that an instruction of the task itself causes; delivered before others. */
    public static final long SYNCHRONOUS =
            mask(SIGSEGV) | mask(SIGBUS) | mask(SIGILL) | mask(SIGTRAP) | mask(SIGFPE) | mask(SIGSYS);

    static final long STOPS = mask(SIGSTOP) | mask(SIGTSTP) | mask(SIGTTIN) | mask(SIGTTOU);
    private static final long IGNORED_BY_DEFAULT = mask(SIGCONT) | mask(SIGCHLD) | mask(SIGWINCH) | mask(SIGURG);

    private static final long DUMPS_CORE = mask(SIGQUIT)
            | mask(SIGILL)
            | mask(SIGTRAP)
            | mask(SIGABRT)
            | mask(SIGBUS)
            | mask(SIGFPE)
            | mask(SIGSEGV)
            | mask(SIGXCPU)
            | mask(SIGXFSZ)
            | mask(SIGSYS);

    /** Those whose positive codes have a meaning of their own. */
    private static final long OWN_CODES = SYNCHRONOUS | mask(SIGCHLD) | mask(SIGIO);

    private Signals() {}

    /** The set that holds one signal, 1..64. */
    public static long mask(int signal) {
        return 1L << (signal - 1);
    }

    /** Whether a set holds a signal. */
    public static boolean contains(long set, int signal) {
        return (set >>> (signal - 1) & 1) != 0;
    }

    /** Whether there is such a signal: 1 to 64. */
    public static boolean isValid(long signal) {
        return signal >= 1 && signal <= MAX;
    }

    /** Whether SIG_DFL means: nothing happens. */
    public static boolean ignoredByDefault(int signal) {
        return contains(IGNORED_BY_DEFAULT, signal);
    }

    /** Whether SIG_DFL means: the process stops. */
    public static boolean stopsByDefault(int signal) {
        return contains(STOPS, signal);
    }

    /** Whether SIG_DFL means: the process ends and leaves a core dump, where one is wanted. */
    public static boolean dumpsCore(int signal) {
        return contains(DUMPS_CORE, signal);
    }

    /** Whether a positive {@code si_code} says something that it says of this signal alone. */
    @KernelFunction(value = "sig_specific_sicodes", file = "include/linux/signal.h")
    static boolean hasOwnCodes(int signal) {
        return contains(OWN_CODES, signal);
    }
}
