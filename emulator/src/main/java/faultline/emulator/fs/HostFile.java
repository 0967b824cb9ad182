package faultline.emulator.fs;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.HostStat;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.mmu.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * An open file that is one descriptor of the host, which it owns: the host keeps position, flags and locks, and requests
 * pass unchanged.
 *
 * <p>What may block (pipes, sockets, terminals) is tried without blocking first, and waited for by {@link HostWait}, so
 * that a signal to the task can end the wait; regular files and directories go straight to the host.
 */
public final class HostFile extends OpenFile {
    private static final long RWF_NOWAIT = 8;
    private static final int F_GETFL = 3;
    private static final int F_SETFL = 4;
    private static final int MEM_MAJOR = 1;

    private final GuestRoot root;
    private final int fd;
    private final int type;
    private final long dev;
    private final long ino;
    private final long rdev;
    private final boolean neverBlocks;
    /** The host answered EOPNOTSUPP to RWF_NOWAIT: this kind of file is polled before each transfer. */
    private volatile boolean pollFirst;

    private String overlayPath;

    private HostFile(GuestRoot root, int fd, int mode, long dev, long ino, long rdev) {
        super("");
        this.root = root;
        this.fd = fd;
        this.type = mode & HostStat.S_IFMT;
        this.dev = dev;
        this.ino = ino;
        this.rdev = rdev;
        neverBlocks = type == HostStat.S_IFREG
                || type == HostStat.S_IFDIR
                || type == HostStat.S_IFBLK
                || type == HostStat.S_IFLNK
                || type == HostStat.S_IFCHR && major(rdev) == MEM_MAJOR;
    }

    /**
     * Takes ownership of a host descriptor.
     *
     * @throws IllegalArgumentException if it is not open
     */
    public static HostFile own(GuestRoot root, int fd) {
        MemorySegment stat = HostScratch.get().struct();
        long r = Libc.call(Nr.FSTAT, fd, stat.address());
        if (r < 0) {
            throw new IllegalArgumentException("host descriptor " + fd + ": errno " + -r);
        }
        return new HostFile(
                root, fd, HostStat.mode(stat), HostStat.dev(stat), HostStat.ino(stat), HostStat.rdev(stat));
    }

    private static int major(long rdev) {
        return (int) ((rdev >>> 8 & 0xfff) | (rdev >>> 32 & ~0xfff));
    }

    @Override
    public int hostFd() {
        return fd;
    }

    /** The file's type: {@code HostStat.S_IF*}, or 0 for an anonymous inode (eventfd, epoll, …). */
    public int type() {
        return type;
    }

    /** The device a special file stands for. */
    public long rdev() {
        return rdev;
    }

    public long dev() {
        return dev;
    }

    public long ino() {
        return ino;
    }

    public boolean isDirectory() {
        return type == HostStat.S_IFDIR;
    }

    /** The name as the host resolves it now, seen from the guest's root; deleted files end in {@code " (deleted)"}. */
    @Override
    public String path() {
        return root.pathOfFd(fd);
    }

    @Override
    public String overlayPath() {
        return overlayPath;
    }

    /** Says that the directory was opened by a name of the virtual tree; before anybody else sees the file. */
    void setOverlayPath(String path) {
        overlayPath = path;
    }

    @Override
    public boolean neverBlocks() {
        return neverBlocks;
    }

    @Override
    public int statusFlags() {
        return (int) Libc.call(Nr.FCNTL, fd, F_GETFL);
    }

    @Override
    public long setStatusFlags(int flags) {
        return Libc.call(Nr.FCNTL, fd, F_SETFL, flags);
    }

    @Override
    public long read(Waiter waiter, MemorySegment to, long length, int rwFlags) {
        if (rwFlags != 0) {
            return vector(Nr.PREADV2, to, length, -1, rwFlags);
        }
        if (neverBlocks) {
            return Libc.call(Nr.READ, fd, to.address(), length);
        }
        while (true) {
            if (pollFirst) {
                long ready = (statusFlags() & OpenFlags.O_NONBLOCK) != 0
                        ? 0
                        : HostWait.until(waiter, fd, HostWait.POLLIN);
                return ready < 0 ? ready : Libc.call(Nr.READ, fd, to.address(), length);
            }
            long n = vector(Nr.PREADV2, to, length, -1, RWF_NOWAIT);
            if (n == -Errno.EOPNOTSUPP) {
                pollFirst = true;
            } else if (n != -Errno.EAGAIN || (statusFlags() & OpenFlags.O_NONBLOCK) != 0) {
                return n;
            } else {
                long ready = HostWait.until(waiter, fd, HostWait.POLLIN);
                if (ready < 0) {
                    return ready;
                }
            }
        }
    }

    @Override
    public long write(Waiter waiter, MemorySegment from, long length, int rwFlags) {
        if (rwFlags != 0) {
            return vector(Nr.PWRITEV2, from, length, -1, rwFlags);
        }
        if (neverBlocks) {
            return Libc.call(Nr.WRITE, fd, from.address(), length);
        }
        long done = 0;
        while (true) {
            long n;
            MemorySegment rest = from.asSlice(done);
            if (pollFirst) {
                long ready = (statusFlags() & OpenFlags.O_NONBLOCK) != 0
                        ? 0
                        : HostWait.until(waiter, fd, HostWait.POLLOUT);
                n = ready < 0 ? ready : Libc.call(Nr.WRITE, fd, rest.address(), length - done);
                return n < 0 && done > 0 ? done : done + n;
            }
            n = vector(Nr.PWRITEV2, rest, length - done, -1, RWF_NOWAIT);
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
            if ((statusFlags() & OpenFlags.O_NONBLOCK) != 0) {
                return done > 0 ? done : n;
            }
            long ready = HostWait.until(waiter, fd, HostWait.POLLOUT);
            if (ready < 0) {
                return done > 0 ? done : ready;
            }
        }
    }

    @Override
    public long pread(Waiter waiter, MemorySegment to, long length, long position, int rwFlags) {
        return rwFlags == 0
                ? Libc.call(Nr.PREAD64, fd, to.address(), length, position)
                : vector(Nr.PREADV2, to, length, position, rwFlags);
    }

    @Override
    public long pwrite(Waiter waiter, MemorySegment from, long length, long position, int rwFlags) {
        return rwFlags == 0
                ? Libc.call(Nr.PWRITE64, fd, from.address(), length, position)
                : vector(Nr.PWRITEV2, from, length, position, rwFlags);
    }

    private long vector(int nr, MemorySegment buffer, long length, long position, long rwFlags) {
        MemorySegment block = HostScratch.get().waitBlock();
        block.set(ValueLayout.JAVA_LONG, 16, buffer.address());
        block.set(ValueLayout.JAVA_LONG, 24, length);
        return Libc.call(nr, fd, block.address() + 16, 1, position, 0, rwFlags);
    }

    @Override
    public long lseek(long offset, int whence) {
        return Libc.call(Nr.LSEEK, fd, offset, whence);
    }

    @Override
    public long fstat(MemorySegment stat) {
        return Libc.call(Nr.FSTAT, fd, stat.address());
    }

    @Override
    public long getdents(int nr, MemorySegment to, long length) {
        return Libc.call(nr, fd, to.address(), length);
    }

    @Override
    protected void release() {
        Libc.call(Nr.CLOSE, fd);
    }
}
