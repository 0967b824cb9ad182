package faultline.emulator.syscall.mqueue;

import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.mmu.annotation.KernelFunction;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A notification by a thread (SIGEV_THREAD): the C library hands over a netlink socket and 32 bytes, which the kernel
 * sends to that socket with the last byte telling whether a message came or the wish was taken back.
 *
 * <p>Only a kernel can send there. The host's does it: it is asked to notify of a queue of its own, which has no name
 * any more, and into which a message is put when one comes into the guest's.
 */
final class ThreadNotice {
    static final int SIGEV_THREAD = 2;
    /** NOTIFY_COOKIE_LEN. */
    static final int COOKIE_BYTES = 32;

    private static final int MODE = 0600;
    private static final AtomicLong NUMBERS = new AtomicLong();

    private final byte[] cookie;
    private final int socket;
    private int hostQueue = -1;

    /**
     * A notification that nobody waits for yet.
     *
     * @param socket the host's descriptor of the guest's socket; the host's kernel keeps the socket once it is armed
     */
    ThreadNotice(byte[] cookie, int socket) {
        this.cookie = cookie;
        this.socket = socket;
    }

    /**
     * Begins. Caller holds the queue's monitor, as for the other methods.
     *
     * @return 0 or the host's -errno: about the socket, or that it has no room for another queue
     */
    @KernelFunction(value = "do_mq_notify", file = "ipc/mqueue.c")
    long arm() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name =
                    arena.allocateFrom("faultline." + ProcessHandle.current().pid() + "." + NUMBERS.incrementAndGet());
            MemorySegment attributes = arena.allocate(64, 8);
            attributes.set(ValueLayout.JAVA_LONG, 8, 1); // a message
            attributes.set(ValueLayout.JAVA_LONG, 16, 1); // of a byte
            int flags = OpenFlags.O_RDWR | OpenFlags.O_CREAT | OpenFlags.O_EXCL;
            long queue = Libc.call(Nr.MQ_OPEN, name.address(), flags, MODE, attributes.address());
            if (queue < 0) {
                return queue;
            }
            Libc.call(Nr.MQ_UNLINK, name.address());
            MemorySegment event = arena.allocate(64, 8);
            event.set(
                    ValueLayout.JAVA_LONG,
                    0,
                    arena.allocateFrom(ValueLayout.JAVA_BYTE, cookie).address());
            event.set(ValueLayout.JAVA_INT, 8, socket);
            event.set(ValueLayout.JAVA_INT, 12, SIGEV_THREAD);
            long error = Libc.call(Nr.MQ_NOTIFY, queue, event.address());
            if (error < 0) {
                Libc.call(Nr.CLOSE, queue);
                return error;
            }
            hostQueue = (int) queue;
            return 0;
        }
    }

    /** A message has come (NOTIFY_WOKENUP). That ends it. */
    void wake() {
        Libc.call(Nr.MQ_TIMEDSEND, hostQueue, 0, 0, 0, 0);
        Libc.call(Nr.CLOSE, hostQueue);
    }

    /** The wish is taken back (NOTIFY_REMOVED). */
    void remove() {
        Libc.call(Nr.MQ_NOTIFY, hostQueue, 0);
        Libc.call(Nr.CLOSE, hostQueue);
    }
}
