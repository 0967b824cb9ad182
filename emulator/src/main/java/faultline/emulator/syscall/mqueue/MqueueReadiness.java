package faultline.emulator.syscall.mqueue;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What poll, select and epoll of the host see of a queue: an eventfd, which can be read from unless its count is 0, and
 * written to unless its count is the highest.
 */
final class MqueueReadiness {
    private static final int F_DUPFD_CLOEXEC = 1030;
    /** The highest count that an eventfd has. */
    private static final long FULL = -2;

    private final int eventFd;
    private long count;

    private MqueueReadiness(int eventFd) {
        this.eventFd = eventFd;
    }

    /** One of an empty queue; null when the host has no descriptors left. */
    static MqueueReadiness create() {
        long fd = Libc.call(Nr.EVENTFD2, 0, OpenFlags.O_CLOEXEC | OpenFlags.O_NONBLOCK);
        return fd < 0 ? null : new MqueueReadiness((int) fd);
    }

    /** A descriptor of the same for one open file, which closes it; or -errno. */
    long duplicate() {
        return Libc.call(Nr.FCNTL, eventFd, F_DUPFD_CLOEXEC, 0);
    }

    /** There are that many messages now. Caller holds the queue's monitor. */
    void show(long messages, long most) {
        long wanted = messages == 0 ? 0 : messages < most ? 1 : FULL;
        if (wanted == count) {
            return;
        }
        MemorySegment block = HostScratch.get().struct();
        if (count != 0) {
            Libc.call(Nr.READ, eventFd, block.address(), Long.BYTES);
        }
        if (wanted != 0) {
            block.set(ValueLayout.JAVA_LONG, 0, wanted);
            Libc.call(Nr.WRITE, eventFd, block.address(), Long.BYTES);
        }
        count = wanted;
    }

    void close() {
        Libc.call(Nr.CLOSE, eventFd);
    }
}
