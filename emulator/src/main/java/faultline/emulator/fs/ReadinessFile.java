package faultline.emulator.fs;

import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.mmu.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A file without contents on any disk that becomes readable by the emulator's own doing (an anonymous inode: timerfd,
 * signalfd, userfaultfd).
 *
 * <p>Behind it is an eventfd of the host's, so that poll, select and epoll wait for it like for anything else. Reading
 * takes what there is ({@link #take}) and otherwise waits.
 */
public abstract class ReadinessFile extends EmulatedFile {
    /** What is written to an eventfd; not the thread's scratch memory, which may be in use when a fault gets here. */
    private static final MemorySegment ONE = Arena.global().allocateFrom(ValueLayout.JAVA_LONG, 1);
    /** Where what is read goes; nobody looks. */
    private static final MemorySegment DRAINED = Arena.global().allocate(ValueLayout.JAVA_LONG);

    private final int eventFd;

    /**
     * @param eventFd from {@link #makeEventFd}; this file's from now on
     * @param flags access mode, and O_NONBLOCK or 0
     */
    protected ReadinessFile(String path, long eventFd, int flags) {
        super(path, flags, OpenFlags.O_NONBLOCK);
        this.eventFd = (int) eventFd;
    }

    /** A host descriptor for a new file, or -errno. */
    public static long makeEventFd() {
        return Libc.call(Nr.EVENTFD2, 0, OpenFlags.O_CLOEXEC | OpenFlags.O_NONBLOCK);
    }

    /** Pollers wake; those that wait for an edge, each time. Any thread. */
    protected final void raise() {
        Libc.call(Nr.WRITE, eventFd, ONE.address(), Long.BYTES);
    }

    /** Nothing is to be read any more. Any thread. */
    protected final void drain() {
        Libc.call(Nr.READ, eventFd, DRAINED.address(), Long.BYTES);
    }

    /**
     * Takes what can be read now.
     *
     * @return bytes put at {@code to}, -EAGAIN when there is nothing, or another -errno
     */
    protected abstract long take(Waiter waiter, MemorySegment to, long length);

    /** Waits until there may be something; 0, or -errno. */
    protected long await(Waiter waiter) {
        return HostWait.until(waiter, eventFd, HostWait.POLLIN);
    }

    @Override
    public long read(Waiter waiter, MemorySegment to, long length, int rwFlags) {
        while (true) {
            long n = take(waiter, to, length);
            if (n != -Errno.EAGAIN || nonBlocking()) {
                return n;
            }
            long waited = await(waiter);
            if (waited < 0) {
                return waited;
            }
        }
    }

    @Override
    protected void release() {
        Libc.call(Nr.CLOSE, eventFd);
    }

    @Override
    public int hostFd() {
        return eventFd;
    }

    @Override
    public long pread(Waiter waiter, MemorySegment to, long length, long position, int rwFlags) {
        return -Errno.ESPIPE;
    }

    @Override
    public long pwrite(Waiter waiter, MemorySegment from, long length, long position, int rwFlags) {
        return -Errno.ESPIPE;
    }

    @Override
    public long lseek(long offset, int whence) {
        // noop_llseek: there is no position, and nobody complains
        return 0;
    }

    @Override
    public boolean neverBlocks() {
        return false;
    }
}
