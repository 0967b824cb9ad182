package faultline.emulator.host;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Hears SIGQUIT, the terminal's Ctrl-\, which the Java machine takes for a wish to see its threads and lets no Java
 * code handle.
 *
 * <p>The handler is a few machine instructions that add 1 to an eventfd, as nothing else may be done in a signal
 * handler; a thread reads from it and runs the listener. {@link #close} gives the signal back to the Java machine.
 */
public final class QuitSignal implements AutoCloseable {
    private static final int SIGQUIT = 3;
    private static final long PAGE = 4096;
    private static final int PROT_READ_WRITE = 3;
    private static final int PROT_READ_EXEC = 5;
    private static final int MAP_PRIVATE_ANONYMOUS = 0x22;
    private static final int EFD_CLOEXEC = 0x80000;
    private static final long SA_RESTORER_ONSTACK_RESTART = 0x1c00_0000L;
    private static final int MASK_BYTES = 8;

    /**
     * {@code mov eax, SYS_write; mov edi, FD; lea rsi, [rip+15]; mov edx, 8; syscall; ret}: what rsi points to is at
     * 32.
     */
    private static final byte[] HANDLER = {
        (byte) 0xb8,
        1,
        0,
        0,
        0,
        (byte) 0xbf,
        0,
        0,
        0,
        0,
        0x48,
        (byte) 0x8d,
        0x35,
        15,
        0,
        0,
        0,
        (byte) 0xba,
        8,
        0,
        0,
        0,
        0x0f,
        0x05,
        (byte) 0xc3
    };

    private static final int FD_OFFSET = 6;
    private static final int ONE_OFFSET = 32;

    /** {@code mov eax, SYS_rt_sigreturn; syscall}. */
    private static final byte[] RESTORER = {(byte) 0xb8, 15, 0, 0, 0, 0x0f, 0x05};

    private static final int RESTORER_OFFSET = 48;

    private final MemorySegment actions = Arena.ofAuto().allocate(64, 8);
    private final Runnable listener;
    private final int fd;
    private final long code;
    private volatile boolean closed;

    private QuitSignal(Runnable listener, int fd, long code) {
        this.listener = listener;
        this.fd = fd;
        this.code = code;
    }

    /**
     * Hears the signal from now on.
     *
     * @return null where the host lets no page become executable: the Java machine keeps the signal then
     */
    public static QuitSignal hear(Runnable listener) {
        long page = Libc.call(Nr.MMAP, 0, PAGE, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
        long fd = Libc.call(Nr.EVENTFD2, 0, EFD_CLOEXEC);
        if (page < 0 || fd < 0) {
            throw new IllegalStateException("no memory or descriptor for SIGQUIT: " + page + ", " + fd);
        }
        QuitSignal signal = new QuitSignal(listener, (int) fd, page);
        if (!signal.writeCode()) {
            signal.giveBack();
            return null;
        }
        signal.install();
        Thread thread = new Thread(signal::listen, "faultline-quit");
        thread.setDaemon(true);
        thread.start();
        return signal;
    }

    private boolean writeCode() {
        MemorySegment page = MemorySegment.ofAddress(code).reinterpret(PAGE);
        MemorySegment.copy(MemorySegment.ofArray(HANDLER), 0, page, 0, HANDLER.length);
        MemorySegment.copy(MemorySegment.ofArray(RESTORER), 0, page, RESTORER_OFFSET, RESTORER.length);
        page.set(ValueLayout.JAVA_INT_UNALIGNED, FD_OFFSET, fd);
        page.set(ValueLayout.JAVA_LONG, ONE_OFFSET, 1);
        return Libc.call(Nr.MPROTECT, code, PAGE, PROT_READ_EXEC) == 0;
    }

    /** The kernel's struct sigaction: handler, flags, restorer, mask; the one from before behind it. */
    private void install() {
        actions.set(ValueLayout.JAVA_LONG, 0, code);
        actions.set(ValueLayout.JAVA_LONG, 8, SA_RESTORER_ONSTACK_RESTART);
        actions.set(ValueLayout.JAVA_LONG, 16, code + RESTORER_OFFSET);
        actions.set(ValueLayout.JAVA_LONG, 24, 0);
        Libc.call(Nr.RT_SIGACTION, SIGQUIT, actions.address(), actions.address() + 32, MASK_BYTES);
    }

    private void listen() {
        MemorySegment count = Arena.ofAuto().allocate(8, 8);
        while (Libc.call(Nr.READ, fd, count.address(), count.byteSize()) > 0 && !closed) {
            listener.run();
        }
        giveBack();
    }

    private void giveBack() {
        Libc.call(Nr.CLOSE, fd);
        Libc.call(Nr.MUNMAP, code, PAGE);
    }

    @Override
    public void close() {
        Libc.call(Nr.RT_SIGACTION, SIGQUIT, actions.address() + 32, 0, MASK_BYTES);
        closed = true;
        MemorySegment one = actions.asSlice(0, 8);
        one.set(ValueLayout.JAVA_LONG, 0, 1);
        Libc.call(Nr.WRITE, fd, one.address(), one.byteSize());
    }
}
