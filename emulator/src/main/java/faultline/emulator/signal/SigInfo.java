package faultline.emulator.signal;

import faultline.mmu.annotation.KernelFunction;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * What a signal tells its receiver (struct siginfo, 128 bytes). Immutable.
 *
 * <pre>
 *   0 si_signo   4 si_errno   8 si_code   16 first   24 second   32 third   40 fourth   … zero
 *   kill: first = pid | uid &lt;&lt; 32            queue: and second = si_value
 *   fault: first = si_addr                    timer: first = timer id | overrun &lt;&lt; 32, second = si_value
 *   poll:  first = si_band, second = si_fd
 *   child: first = pid | uid &lt;&lt; 32, second = status, third = utime, fourth = stime
 *   call:  first = si_call_addr, second = si_syscall | si_arch &lt;&lt; 32
 * </pre>
 */
public final class SigInfo {
    public static final int SIZE = 128;

    public static final int SI_USER = 0;
    public static final int SI_KERNEL = 0x80;
    public static final int SI_QUEUE = -1;
    public static final int SI_TIMER = -2;
    public static final int SI_TKILL = -6;

    public static final int FPE_INTDIV = 1;
    public static final int FPE_FLTDIV = 3;
    public static final int FPE_FLTOVF = 4;
    public static final int FPE_FLTUND = 5;
    public static final int FPE_FLTRES = 6;
    public static final int FPE_FLTINV = 7;
    public static final int ILL_ILLOPN = 2;
    public static final int SEGV_MAPERR = 1;
    public static final int SEGV_ACCERR = 2;
    public static final int BUS_ADRALN = 1;
    public static final int BUS_ADRERR = 2;
    public static final int TRAP_BRKPT = 1;
    public static final int TRAP_TRACE = 2;
    public static final int CLD_EXITED = 1;
    public static final int CLD_KILLED = 2;
    public static final int CLD_DUMPED = 3;
    public static final int CLD_TRAPPED = 4;
    public static final int CLD_STOPPED = 5;
    public static final int CLD_CONTINUED = 6;

    private static final int SYS_SECCOMP = 1;
    private static final int SI_MESGQ = -3;
    private static final int SI_SIGIO = -5;
    /** The highest of the codes POLL_IN, …. */
    private static final int NSIGPOLL = 6;

    /** Which fields a signal's information has besides number, errno and code (enum siginfo_layout). */
    public enum Layout {
        /** Who sent it. */
        SENDER,
        /** Who sent it, and a value. */
        QUEUED,
        TIMER,
        FAULT,
        CHILD,
        POLL,
        SYSTEM_CALL
    }

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

    private final int signal;
    private final int errno;
    private final int code;
    private final long first;
    private final long second;
    private final long third;
    private final long fourth;
    private final byte[] raw;

    private SigInfo(int signal, int errno, int code, long first, long second, long third, long fourth, byte[] raw) {
        this.signal = signal;
        this.errno = errno;
        this.code = code;
        this.first = first;
        this.second = second;
        this.third = third;
        this.fourth = fourth;
        this.raw = raw;
    }

    /** The CLD_* code of a process that ended with {@code status}, as wait4(2) encodes it. */
    public static int codeOfEnd(int status) {
        if ((status & 0x7f) == 0) {
            return CLD_EXITED;
        }
        return (status & 0x80) != 0 ? CLD_DUMPED : CLD_KILLED;
    }

    /** The si_status of a process that ended with {@code status}: its exit status, or the signal that killed it. */
    public static int valueOfEnd(int status) {
        int signal = status & 0x7f;
        return signal == 0 ? status >> 8 & 0xff : signal;
    }

    /** From kill(2) ({@link #SI_USER}), tkill(2) ({@link #SI_TKILL}). */
    public static SigInfo user(int signal, int code, int pid, int uid) {
        return new SigInfo(signal, 0, code, pair(pid, uid), 0, 0, 0, null);
    }

    /** From the kernel, with nothing more to tell ({@link #SI_KERNEL}). */
    public static SigInfo kernel(int signal) {
        return new SigInfo(signal, 0, SI_KERNEL, 0, 0, 0, 0, null);
    }

    /** An instruction's fault: SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP with their si_addr. */
    public static SigInfo fault(int signal, int code, long address) {
        return new SigInfo(signal, 0, code, address, 0, 0, 0, null);
    }

    /** What a tracer sees of a stop that no signal caused: {@code si_code} is the stop's own code. */
    public static SigInfo trap(int signal, int code, int tid, int uid) {
        return new SigInfo(signal, 0, code, pair(tid, uid), 0, 0, 0, null);
    }

    /** SIGSYS of a system call that a filter did not let through, with what the filter had to say in {@code errno}. */
    public static SigInfo systemCall(long address, int errno, int number, int architecture) {
        return new SigInfo(Signals.SIGSYS, errno, SYS_SECCOMP, address, pair(number, architecture), 0, 0, null);
    }

    /**
     * What a file tells its owner.
     *
     * @param code POLL_IN and the like; replaced where it would mean something else with that signal
     */
    @KernelFunction(value = "send_sigio_to_task", file = "fs/fcntl.c")
    public static SigInfo poll(int signal, int code, long band, int fd) {
        boolean meansElse = signal != Signals.SIGIO && Signals.hasOwnCodes(signal);
        return new SigInfo(signal, 0, meansElse ? SI_SIGIO : code, band, fd & 0xffff_ffffL, 0, 0, null);
    }

    /** A message queue is no longer empty: whose message it was, and what the receiver of the signal wanted told. */
    public static SigInfo message(int signal, int pid, int uid, long value) {
        return new SigInfo(signal, 0, SI_MESGQ, pair(pid, uid), value, 0, 0, null);
    }

    /** A POSIX timer's expiry. */
    public static SigInfo timer(int signal, int timerId, int overrun, long value) {
        return new SigInfo(signal, 0, SI_TIMER, pair(timerId, overrun), value, 0, 0, null);
    }

    /** What a parent learns of a child; times in clock ticks of 10 ms. */
    public static SigInfo child(int signal, int code, int pid, int uid, int status, long utime, long stime) {
        return new SigInfo(signal, 0, code, pair(pid, uid), status & 0xffffffffL, utime, stime, null);
    }

    /** As rt_sigqueueinfo(2) was given it: 128 bytes, with the signal's number put in. */
    public static SigInfo queued(int signal, byte[] bytes) {
        MemorySegment in = MemorySegment.ofArray(bytes);
        return new SigInfo(
                signal,
                in.get(INT, 4),
                in.get(INT, 8),
                in.get(LONG, 16),
                in.get(LONG, 24),
                in.get(LONG, 32),
                in.get(LONG, 40),
                Arrays.copyOf(bytes, SIZE));
    }

    private static long pair(int low, int high) {
        return low & 0xffffffffL | (long) high << 32;
    }

    /** {@code si_signo}. */
    public int signal() {
        return signal;
    }

    /** {@code si_code}. */
    public int code() {
        return code;
    }

    /** How the rest is to be read. */
    @KernelFunction(value = "siginfo_layout", file = "kernel/signal.c")
    public Layout layout() {
        if (code <= SI_USER) {
            return switch (code) {
                case SI_USER -> Layout.SENDER;
                case SI_TIMER -> Layout.TIMER;
                case SI_SIGIO -> Layout.POLL;
                default -> Layout.QUEUED;
            };
        }
        if (code >= SI_KERNEL) {
            return Layout.SENDER;
        }
        return switch (signal) {
            case Signals.SIGCHLD -> Layout.CHILD;
            case Signals.SIGIO -> Layout.POLL;
            case Signals.SIGSYS -> Layout.SYSTEM_CALL;
            case Signals.SIGILL, Signals.SIGFPE, Signals.SIGSEGV, Signals.SIGBUS, Signals.SIGTRAP -> Layout.FAULT;
            default -> code <= NSIGPOLL ? Layout.POLL : Layout.SENDER;
        };
    }

    /** {@code si_errno}. */
    public int errno() {
        return errno;
    }

    /** {@code si_pid}, or {@code si_tid} of a timer's signal. */
    public int pid() {
        return (int) first;
    }

    /** {@code si_uid}, or {@code si_overrun} of a timer's signal. */
    public int uid() {
        return (int) (first >>> 32);
    }

    /** {@code si_addr} of a fault. */
    public long address() {
        return first;
    }

    /** {@code si_value} of a queued signal or a timer, {@code si_status} (low half) of a child. */
    public long value() {
        return second;
    }

    /** What a layout has in its third place: user time of a child. */
    public long third() {
        return third;
    }

    /** What a layout has in its fourth place: system time of a child. */
    public long fourth() {
        return fourth;
    }

    /** Writes all 128 bytes. */
    public void write(MemorySegment to, long at) {
        if (raw != null) {
            MemorySegment.copy(raw, 0, to, ValueLayout.JAVA_BYTE, at, SIZE);
        } else {
            to.asSlice(at, SIZE).fill((byte) 0);
            to.set(LONG, at + 16, first);
            to.set(LONG, at + 24, second);
            to.set(LONG, at + 32, third);
            to.set(LONG, at + 40, fourth);
        }
        to.set(INT, at, signal);
        to.set(INT, at + 4, errno);
        to.set(INT, at + 8, code);
    }
}
