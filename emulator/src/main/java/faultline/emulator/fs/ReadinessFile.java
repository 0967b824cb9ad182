package faultline.emulator.fs;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.mmu.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A file without contents on any disk that becomes readable by the emulator's own doing (an anonymous inode: timerfd,
 * signalfd).
 *
 * <p>Behind it is an eventfd of the host's, so that poll, select and epoll wait for it like for anything else. Reading
 * takes what there is ({@link #take}) and otherwise waits.
 */
public abstract class ReadinessFile extends OpenFile {
    /** O_NONBLOCK, the one status flag that means anything here. */
    public static final int SETTABLE = OpenFlags.O_NONBLOCK;

    private final int eventFd;
    private volatile int flags;

    /**
     * @param eventFd from {@link #makeEventFd}; this file's from now on
     * @param flags O_NONBLOCK or 0
     */
    protected ReadinessFile(String path, long eventFd, int flags) {
        super(path);
        this.eventFd = (int) eventFd;
        this.flags = OpenFlags.O_RDWR | flags & SETTABLE;
    }

    /** A host descriptor for a new file, or -errno. */
    public static long makeEventFd() {
        return Libc.call(Nr.EVENTFD2, 0, OpenFlags.O_CLOEXEC | OpenFlags.O_NONBLOCK);
    }

    /** Pollers wake; those that wait for an edge, each time. Any thread. */
    protected final void raise() {
        MemorySegment one = HostScratch.get().struct();
        one.set(ValueLayout.JAVA_LONG, 0, 1);
        Libc.call(Nr.WRITE, eventFd, one.address(), Long.BYTES);
    }

    /** Nothing is to be read any more. Any thread. */
    protected final void drain() {
        Libc.call(Nr.READ, eventFd, HostScratch.get().struct().address(), Long.BYTES);
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
            if (n != -Errno.EAGAIN || (flags & OpenFlags.O_NONBLOCK) != 0) {
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
    public int statusFlags() {
        return flags;
    }

    @Override
    public long setStatusFlags(int newFlags) {
        flags = flags & ~SETTABLE | newFlags & SETTABLE;
        return 0;
    }

    @Override
    public long write(Waiter waiter, MemorySegment from, long length, int rwFlags) {
        return -Errno.EINVAL;
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
    public long fstat(MemorySegment stat) {
        return Libc.call(Nr.FSTAT, eventFd, stat.address());
    }

    @Override
    public boolean neverBlocks() {
        return false;
    }
}
