package faultline.emulator.host;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Ends a system call of the host in which another thread is blocked: by a real-time signal whose handler does nothing,
 * so that the call fails with EINTR.
 *
 * <p>The signal is lost on a thread that is not in the call yet. Who wants it ended sends it again until the thread
 * says that it is through.
 */
public final class Interruption {
    /** Neither libc (32, 33) nor the Java machine (62) uses it. */
    private static final int SIGNAL = 41;

    /** The signal as a set, for those who block it. */
    public static final long MASK = 1L << SIGNAL - 1;

    private static final long PAGE = 4096;
    private static final int PROT_READ_WRITE = 3;
    private static final int PROT_READ_EXEC = 5;
    private static final int MAP_PRIVATE_ANONYMOUS = 0x22;
    private static final int SIGACTION_BYTES = 32;
    private static final int MASK_BYTES = 8;
    /** Without SA_RESTART. */
    private static final long SA_RESTORER_ONSTACK = 0x0c00_0000L;

    /** {@code ret}; behind it {@code mov eax, SYS_rt_sigreturn; syscall}. */
    private static final byte[] CODE = {(byte) 0xc3, (byte) 0xb8, 15, 0, 0, 0, 0x0f, 0x05};

    private static final int RESTORER = 1;

    private Interruption() {}

    /** Made with the first use; the handler stays for good. */
    private static final class Handler {
        static final long PROCESS = Libc.call(Nr.GETPID);

        static {
            long page = Libc.call(Nr.MMAP, 0, PAGE, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
            if (page < 0) {
                throw new IllegalStateException("no page for a signal handler: errno " + -page);
            }
            MemorySegment.copy(
                    MemorySegment.ofArray(CODE),
                    0,
                    MemorySegment.ofAddress(page).reinterpret(PAGE),
                    0,
                    CODE.length);
            Libc.call(Nr.MPROTECT, page, PAGE, PROT_READ_EXEC);
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment action = arena.allocate(SIGACTION_BYTES, 8);
                action.set(ValueLayout.JAVA_LONG, 0, page);
                action.set(ValueLayout.JAVA_LONG, 8, SA_RESTORER_ONSTACK);
                action.set(ValueLayout.JAVA_LONG, 16, page + RESTORER);
                Libc.call(Nr.RT_SIGACTION, SIGNAL, action.address(), 0, MASK_BYTES);
            }
        }
    }

    /** Sees to it that the signal can be sent; before the thread blocks that may get it. */
    public static void prepare() {
        if (Handler.PROCESS <= 0) {
            throw new IllegalStateException("getpid failed");
        }
    }

    /** Sends the signal to a thread of the emulator, by its id on the host. */
    public static void send(long tid) {
        Libc.call(Nr.TGKILL, Handler.PROCESS, tid, SIGNAL);
    }
}
