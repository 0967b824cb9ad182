package faultline.emulator.fs;

import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.mmu.Errno;
import java.lang.foreign.MemorySegment;

/**
 * Reads and writes of a host file that may block: pipes, sockets, terminals. Tried without blocking first, and waited
 * for by {@link HostWait}, so that a signal to the task can end the wait.
 */
final class PolledTransfer {
    private static final long RWF_NOWAIT = 8;

    private final HostFile file;
    /** The host answered EOPNOTSUPP to RWF_NOWAIT: this kind of file is polled before each transfer. */
    private volatile boolean pollFirst;

    PolledTransfer(HostFile file) {
        this.file = file;
    }

    private boolean isNonBlocking() {
        return (file.statusFlags() & OpenFlags.O_NONBLOCK) != 0;
    }

    /** As {@link HostFile#read}. */
    long read(Waiter waiter, MemorySegment to, long length) {
        int fd = file.hostFd();
        while (true) {
            if (pollFirst) {
                long ready = isNonBlocking() ? 0 : HostWait.until(waiter, fd, HostWait.POLLIN);
                return ready < 0 ? ready : Libc.call(Nr.READ, fd, to.address(), length);
            }
            long n = file.vector(Nr.PREADV2, to, length, -1, RWF_NOWAIT);
            if (n == -Errno.EOPNOTSUPP) {
                pollFirst = true;
            } else if (n != -Errno.EAGAIN || isNonBlocking()) {
                return n;
            } else {
                long ready = HostWait.until(waiter, fd, HostWait.POLLIN);
                if (ready < 0) {
                    return ready;
                }
            }
        }
    }

    /** As {@link HostFile#write}. */
    long write(Waiter waiter, MemorySegment from, long length) {
        int fd = file.hostFd();
        long done = 0;
        while (true) {
            long n;
            MemorySegment rest = from.asSlice(done);
            if (pollFirst) {
                long ready = isNonBlocking() ? 0 : HostWait.until(waiter, fd, HostWait.POLLOUT);
                n = ready < 0 ? ready : Libc.call(Nr.WRITE, fd, rest.address(), length - done);
                return n < 0 && done > 0 ? done : done + n;
            }
            n = file.vector(Nr.PWRITEV2, rest, length - done, -1, RWF_NOWAIT);
            if (n == -Errno.EOPNOTSUPP) {
                pollFirst = true;
                continue;
            }
            if (n >= 0) {
                done += n;
                if (done >= length || n == 0) {
                    return done;
                }
            } else if (n != -Errno.EAGAIN) {
                return done > 0 ? done : n;
            }
            if (isNonBlocking()) {
                return done > 0 ? done : n;
            }
            long ready = HostWait.until(waiter, fd, HostWait.POLLOUT);
            if (ready < 0) {
                return done > 0 ? done : ready;
            }
        }
    }
}
