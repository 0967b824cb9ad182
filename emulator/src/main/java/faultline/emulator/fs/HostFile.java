package faultline.emulator.fs;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.HostStat;
import faultline.emulator.host.HostStatfs;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.mmu.Errno;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.file.HostWrite;
import faultline.mmu.file.MappedFile;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.locks.ReentrantLock;

/**
 * An open file that is one descriptor of the host, which it owns: the host keeps position, flags and locks, and
 * requests pass unchanged.
 *
 * <p>What may block (pipes, sockets, terminals) goes by {@link PolledTransfer}; regular files and directories go
 * straight to the host. A regular file whose inode has pages in guest memory ({@link InodeCache}) is read and written
 * through them, with the host's file position kept in step.
 */
public final class HostFile extends OpenFile implements MappedFile {
    private static final int F_GETFL = 3;
    private static final int F_SETFL = 4;
    private static final int MEM_MAJOR = 1;
    private static final long DEV_ZERO = 0x105;

    private final GuestRoot root;
    private final int fd;
    private final int type;
    private final InodeCache.Key key;
    private final long rdev;
    private final boolean neverBlocks;
    private final PolledTransfer polled;

    /**
     * Counted among those who write to the file. Set before others see this; a memfd's own descriptor is never counted.
     */
    private boolean countedWriter;

    /** Whether O_DIRECT is set: 1 or 0; -1 before the host was asked, and after the flags were changed. */
    private volatile int direct = -1;

    private String overlayPath;

    /** An epoll that was given a file with EPOLLEXCLUSIVE. */
    private volatile boolean watchesExclusively;

    /** Serialises transfers at the file position while cached pages are involved: the host cannot do it for us then. */
    private final ReentrantLock positionLock = new ReentrantLock();

    /** This file's use of its cached inode, from the first mapping on. Guarded by this object's monitor. */
    private CachedInode mappedInode;

    private HostFile(GuestRoot root, int fd, int mode, long dev, long ino, long rdev) {
        super("");
        this.root = root;
        this.fd = fd;
        this.type = mode & HostStat.S_IFMT;
        this.key = new InodeCache.Key(dev, ino);
        this.rdev = rdev;
        neverBlocks = type == HostStat.S_IFREG
                || type == HostStat.S_IFDIR
                || type == HostStat.S_IFBLK
                || type == HostStat.S_IFLNK
                || type == HostStat.S_IFCHR && HostStat.major(rdev) == MEM_MAJOR;
        polled = new PolledTransfer(this);
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
        return new HostFile(root, fd, HostStat.mode(stat), HostStat.dev(stat), HostStat.ino(stat), HostStat.rdev(stat));
    }

    @Override
    public int hostFd() {
        return fd;
    }

    /** The file's type: {@code HostStat.S_IF*}, or 0 for an anonymous inode (eventfd, epoll, …). */
    public int type() {
        return type;
    }

    /**
     * Counts this among the open files that write, until it is released. Called by whoever opened it.
     *
     * @return false when the file is being executed: ETXTBSY
     */
    boolean takeWriteAccess() {
        countedWriter = type == HostStat.S_IFREG && root.writeAccess().get(key);
        return countedWriter || type != HostStat.S_IFREG;
    }

    GuestRoot root() {
        return root;
    }

    /** Whether this is an epoll that shares a file by EPOLLEXCLUSIVE, or did. */
    public boolean watchesExclusively() {
        return watchesExclusively;
    }

    public void markWatchesExclusively() {
        watchesExclusively = true;
    }

    InodeCache.Key key() {
        return key;
    }

    @Override
    public long dev() {
        return key.dev();
    }

    @Override
    public long ino() {
        return key.ino();
    }

    /** Whether it is a directory. */
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
        direct = -1;
        return Libc.call(Nr.FCNTL, fd, F_SETFL, flags);
    }

    @Override
    public boolean isDirect() {
        if (type != HostStat.S_IFREG) {
            return false;
        }
        int known = direct;
        if (known < 0) {
            known = (statusFlags() & OpenFlags.O_DIRECT) != 0 ? 1 : 0;
            direct = known;
        }
        return known == 1;
    }

    @Override
    public long transferVector(MemorySegment vector, int count, long position, int rwFlags, boolean write) {
        if (write && refusesWrites()) {
            return -Errno.ETXTBSY;
        }
        CachedInode inode = write ? cachedToChange() : cached();
        if (inode == null) {
            return Libc.call(write ? Nr.PWRITEV2 : Nr.PREADV2, fd, vector.address(), count, position, 0, rwFlags);
        }
        try {
            if (!write) {
                // What the cache has and the host has not goes out first; both are the same then.
                long r = inode.mapping().writeback(0, Long.MAX_VALUE);
                return r < 0 ? r : Libc.call(Nr.PREADV2, fd, vector.address(), count, position, 0, rwFlags);
            }
            return writeVectorCached(inode, vector, count, position, rwFlags);
        } finally {
            inode.unuse();
        }
    }

    /** Cached pages have to change with the host's file: piece by piece. */
    private long writeVectorCached(CachedInode inode, MemorySegment vector, int count, long position, int rwFlags) {
        long done = 0;
        for (int i = 0; i < count; i++) {
            long length = vector.get(ValueLayout.JAVA_LONG, 16L * i + 8);
            MemorySegment piece = MemorySegment.ofAddress(vector.get(ValueLayout.JAVA_LONG, 16L * i))
                    .reinterpret(length);
            long n = position < 0
                    ? writeCached(inode, piece, length, rwFlags)
                    : inode.mapping().writeThrough(position + done, piece, length, hostWrite(rwFlags));
            done += Math.max(n, 0);
            if (n < length) {
                return n < 0 && done == 0 ? n : done;
            }
        }
        return done;
    }

    /** Whether it is open for writing, and yet nobody may write to it. */
    private boolean refusesWrites() {
        return isSwapFile() && writable();
    }

    private CachedInode cached() {
        return type == HostStat.S_IFREG ? root.inodes().find(key) : null;
    }

    private CachedInode cachedToChange() {
        return type == HostStat.S_IFREG ? root.inodes().findToChange(key) : null;
    }

    @Override
    public long read(Waiter waiter, MemorySegment to, long length, int rwFlags) {
        CachedInode inode = cached();
        if (inode != null) {
            try {
                return readCached(inode, to, length);
            } finally {
                inode.unuse();
            }
        }
        if (rwFlags != 0) {
            return vector(Nr.PREADV2, to, length, -1, rwFlags);
        }
        return neverBlocks ? Libc.call(Nr.READ, fd, to.address(), length) : polled.read(waiter, to, length);
    }

    private long readCached(CachedInode inode, MemorySegment to, long length) {
        if (!readable()) {
            return -Errno.EBADF;
        }
        positionLock.lock();
        try {
            long position = lseek(0, OpenFlags.SEEK_CUR);
            long n = inode.read(position, to, length);
            if (n > 0) {
                lseek(position + n, OpenFlags.SEEK_SET);
            }
            return n;
        } finally {
            positionLock.unlock();
        }
    }

    @Override
    public long write(Waiter waiter, MemorySegment from, long length, int rwFlags) {
        if (refusesWrites()) {
            return -Errno.ETXTBSY;
        }
        CachedInode inode = cachedToChange();
        if (inode != null) {
            try {
                return writeCached(inode, from, length, rwFlags);
            } finally {
                inode.unuse();
            }
        }
        if (rwFlags != 0) {
            return vector(Nr.PWRITEV2, from, length, -1, rwFlags);
        }
        return neverBlocks ? Libc.call(Nr.WRITE, fd, from.address(), length) : polled.write(waiter, from, length);
    }

    private long writeCached(CachedInode inode, MemorySegment from, long length, int rwFlags) {
        positionLock.lock();
        try {
            boolean append = (statusFlags() & OpenFlags.O_APPEND) != 0;
            long position = append ? inode.mapping().refreshSize() : lseek(0, OpenFlags.SEEK_CUR);
            long n = inode.mapping().writeThrough(position, from, length, hostWrite(rwFlags));
            if (n > 0) {
                lseek(append ? 0 : position + n, append ? OpenFlags.SEEK_END : OpenFlags.SEEK_SET);
            }
            return n;
        } finally {
            positionLock.unlock();
        }
    }

    private HostWrite hostWrite(int rwFlags) {
        return (position, from, length) -> rwFlags == 0
                ? Libc.call(Nr.PWRITE64, fd, from.address(), length, position)
                : vector(Nr.PWRITEV2, from, length, position, rwFlags);
    }

    @Override
    public long pread(Waiter waiter, MemorySegment to, long length, long position, int rwFlags) {
        CachedInode inode = cached();
        if (inode != null) {
            try {
                return readable() ? inode.read(position, to, length) : -Errno.EBADF;
            } finally {
                inode.unuse();
            }
        }
        return rwFlags == 0
                ? Libc.call(Nr.PREAD64, fd, to.address(), length, position)
                : vector(Nr.PREADV2, to, length, position, rwFlags);
    }

    @Override
    public long pwrite(Waiter waiter, MemorySegment from, long length, long position, int rwFlags) {
        if (refusesWrites()) {
            return -Errno.ETXTBSY;
        }
        CachedInode inode = cachedToChange();
        if (inode != null) {
            try {
                return inode.mapping().writeThrough(position, from, length, hostWrite(rwFlags));
            } finally {
                inode.unuse();
            }
        }
        return rwFlags == 0
                ? Libc.call(Nr.PWRITE64, fd, from.address(), length, position)
                : vector(Nr.PWRITEV2, from, length, position, rwFlags);
    }

    /** A transfer by preadv2 or pwritev2. @param position -1 for the file's own */
    long vector(int nr, MemorySegment buffer, long length, long position, long rwFlags) {
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
    public long truncate(long size) {
        if (refusesWrites() && size <= size()) {
            return -Errno.ETXTBSY;
        }
        CachedInode inode = cachedToChange();
        if (inode == null) {
            return Libc.call(Nr.FTRUNCATE, fd, size);
        }
        try {
            return inode.mapping().truncate(size, bytes -> (int) Libc.call(Nr.FTRUNCATE, fd, bytes));
        } finally {
            inode.unuse();
        }
    }

    @Override
    public long allocate(int mode, long offset, long length) {
        if (refusesWrites()) {
            return -Errno.ETXTBSY;
        }
        CachedInode inode = cachedToChange();
        if (inode == null) {
            return Libc.call(Nr.FALLOCATE, fd, mode, offset, length);
        }
        try {
            return CachedAllocate.run(inode.mapping(), fd, mode, offset, length);
        } finally {
            inode.unuse();
        }
    }

    @Override
    public long writeback() {
        CachedInode inode = cached();
        if (inode == null) {
            return 0;
        }
        try {
            return inode.mapping().writeback(0, Long.MAX_VALUE);
        } finally {
            inode.unuse();
        }
    }

    @Override
    public long addSeals(int seals) {
        CachedInode inode = cached();
        if (inode == null) {
            return HostSeals.add(fd, seals);
        }
        try {
            return inode.seal(fd, seals);
        } finally {
            inode.unuse();
        }
    }

    /** Bytes of the file; 0 where that cannot be told. */
    long size() {
        MemorySegment stat = HostScratch.get().struct();
        return fstat(stat) < 0 ? 0 : HostStat.size(stat);
    }

    /** O_TRUNC has emptied the file on the host behind the cache's back: cached pages and mappings follow. */
    void truncatedByOpen() {
        CachedInode inode = cachedToChange();
        if (inode != null) {
            inode.mapping().truncate(0);
            inode.unuse();
        }
    }

    // ---- as the memory manager sees it ----

    @Override
    public MappedFile mapped() {
        return type == HostStat.S_IFREG ? this : null;
    }

    @Override
    public boolean mapsAnonymous() {
        return type == HostStat.S_IFCHR && rdev == DEV_ZERO;
    }

    /** The file's pages, shared by all open files of the inode; brings the inode into the cache. */
    @Override
    public synchronized AddressSpace mapping() {
        if (mappedInode == null) {
            mappedInode = root.inodes().open(this);
        }
        return mappedInode.mapping();
    }

    @Override
    public boolean sealedAgainstWrites() {
        return HostSeals.forbidWrites(fd);
    }

    @Override
    public boolean isSwapFile() {
        return root.swapFiles().has(key);
    }

    @Override
    public boolean noexec() {
        return (HostStatfs.flagsOf(fd) & HostStatfs.ST_NOEXEC) != 0;
    }

    @Override
    protected void release() {
        CachedInode inode;
        synchronized (this) {
            inode = mappedInode;
            mappedInode = null;
        }
        if (inode != null) {
            inode.unuse();
        }
        Libc.call(Nr.CLOSE, fd);
        if (countedWriter) {
            root.writeAccess().put(key);
        }
    }
}
