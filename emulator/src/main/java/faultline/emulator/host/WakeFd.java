package faultline.emulator.host;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.ref.Cleaner;

/**
 * An eventfd that ends a thread's wait on host descriptors: one a thread, made on first use, closed some time after the
 * thread is gone.
 *
 * <p>{@link #raise} may come at any time, also before the wait begins or after it ended; it is remembered until {@link
 * #drain}. So a wait may end for no reason, and a waiter that finds the descriptor readable drains it and looks at its
 * condition again.
 */
public final class WakeFd {
    private static final Cleaner CLEANER = Cleaner.create();
    private static final ThreadLocal<WakeFd> CURRENT = ThreadLocal.withInitial(WakeFd::new);
    private static final int EFD_NONBLOCK = 0x800;
    private static final int EFD_CLOEXEC = 0x80000;

    private final int fd;
    private final MemorySegment one;
    private final MemorySegment sink;
    private final Cleaner.Cleanable cleanup;

    private WakeFd() {
        long made = Libc.call(Nr.EVENTFD2, 0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (made < 0) {
            throw new IllegalStateException("eventfd2 failed on the host: errno " + -made);
        }
        fd = (int) made;
        one = Arena.ofAuto().allocate(8, 8);
        sink = Arena.ofAuto().allocate(8, 8);
        one.set(ValueLayout.JAVA_LONG, 0, 1);
        int owned = fd;
        cleanup = CLEANER.register(this, () -> Libc.call(Nr.CLOSE, owned));
    }

    /** One that no thread has, to be closed by who asked. */
    public static WakeFd create() {
        return new WakeFd();
    }

    /** The calling thread's. */
    public static WakeFd get() {
        return CURRENT.get();
    }

    /** The host descriptor, to be polled for POLLIN. */
    public int fd() {
        return fd;
    }

    /** Ends the owner's current or next wait. Any thread. */
    public void raise() {
        Libc.call(Nr.WRITE, fd, one.address(), 8);
    }

    /** Forgets what was raised. The owner only. */
    public void drain() {
        Libc.call(Nr.READ, fd, sink.address(), 8);
    }

    /** Closes the descriptor before its time. Nobody raises or waits any more. */
    public void close() {
        cleanup.clean();
    }
}
