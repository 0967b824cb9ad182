package faultline.emulator.fs;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.HostStat;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.mmu.Errno;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.file.BackingStore;
import faultline.mmu.phys.Page;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A host file that cached pages are read from and written to.
 *
 * <p>It has a descriptor of its own, opened anew where the host allows it, so that neither the position nor O_APPEND or
 * O_DIRECT of the guest's descriptor matter, and so that it outlives the guest's close.
 */
final class HostStore implements BackingStore {
    private static final int F_DUPFD_CLOEXEC = 1030;
    private static final int RWF_NOAPPEND = 0x20;
    private static final int SEEK_DATA = 3;
    private static final int SEEK_HOLE = 4;
    private static final long TMPFS_MAGIC = 0x01021994;
    private static final int KEEP_SIZE = 0x01;
    private static final int PUNCH_HOLE = 0x02;

    /** Read by any thread; replaced at most once, by one that can write. */
    private volatile int fd;

    private volatile boolean writable;
    /** The descriptor shares O_APPEND with the guest's: positions count only with RWF_NOAPPEND. */
    private volatile boolean appends;
    /** The descriptor has its position in common with the guest's. */
    private volatile boolean sharesPosition;

    /** How to write where write(2) may no longer; null for as long as it may. */
    private volatile SealedView view;

    private final InodeCache.Key key;
    private final SwapFiles swapFiles;
    private final boolean tmpfs;
    private final long blockBytes;
    private int replaced = -1;

    /**
     * Opens what {@code file} has open: for writing only if {@code file} is, because the host does not execute a
     * program that somebody has open for writing (ETXTBSY).
     */
    HostStore(HostFile file) {
        fd = -1;
        key = file.key();
        swapFiles = file.root().swapFiles();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment statfs = arena.allocate(120, 8);
            boolean known = Libc.call(Nr.FSTATFS, file.hostFd(), statfs.address()) == 0;
            tmpfs = known && statfs.get(ValueLayout.JAVA_LONG, 0) == TMPFS_MAGIC;
            blockBytes = known ? statfs.get(ValueLayout.JAVA_LONG, 8) : Page.SIZE;
        }
        if (file.writable()) {
            offerWritable(file);
        } else {
            int own = reopen(file, OpenFlags.O_RDONLY);
            sharesPosition = own < 0;
            fd = own >= 0 ? own : duplicate(file);
        }
    }

    /** A new descriptor for the same inode, whose permissions the host checks again; negative on failure. */
    private static int reopen(HostFile file, int mode) {
        long path = HostScratch.get().path("/proc/self/fd/" + file.hostFd());
        return (int) Libc.call(Nr.OPENAT, Libc.AT_FDCWD, path, mode | OpenFlags.O_CLOEXEC);
    }

    private static int duplicate(HostFile file) {
        return (int) Libc.call(Nr.FCNTL, file.hostFd(), F_DUPFD_CLOEXEC, 0);
    }

    /** A file that may be written to is mapped while our own descriptor can only read: takes over a writable one. */
    final synchronized void offerWritable(HostFile file) {
        if (writable || !file.writable()) {
            return;
        }
        int better = reopen(file, OpenFlags.O_RDWR);
        if (better < 0) {
            better = duplicate(file);
            sharesPosition = true;
            appends = (file.statusFlags() & OpenFlags.O_APPEND) != 0;
        }
        if (better >= 0) {
            // The old one stays open until the end: another thread may be reading through it.
            replaced = fd;
            fd = better;
            writable = true;
        }
    }

    int fd() {
        return fd;
    }

    /** Whether pages may be written back. */
    boolean isWritable() {
        return writable;
    }

    long read(long position, MemorySegment to) {
        return Libc.call(Nr.PREAD64, fd, to.address(), to.byteSize(), position);
    }

    @Override
    public int readPages(long index, int count, MemorySegment dst) {
        long want = (long) count << Page.SHIFT;
        long done = 0;
        while (done < want) {
            long n = Libc.call(Nr.PREAD64, fd, dst.address() + done, want - done, (index << Page.SHIFT) + done);
            if (n < 0) {
                return (int) n;
            }
            if (n == 0) {
                break;
            }
            done += n;
        }
        return (int) done;
    }

    @Override
    public int writePages(long index, int bytes, MemorySegment src) {
        long start = index << Page.SHIFT;
        // A page at the file's end may hold more than the file: the file must not grow by write-back.
        long within = Math.min(bytes, size() - start);
        long done = 0;
        while (done < within) {
            long n = write(src.address() + done, within - done, start + done);
            if (n <= 0) {
                return n == 0 ? -Errno.EIO : (int) n;
            }
            done += n;
        }
        return bytes;
    }

    private long write(long address, long length, long position) {
        SealedView sealed = view;
        if (sealed != null) {
            return sealed.write(address, length, position);
        }
        if (!appends) {
            return Libc.call(Nr.PWRITE64, fd, address, length, position);
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment iov = arena.allocate(16, 8);
            iov.set(ValueLayout.JAVA_LONG, 0, address);
            iov.set(ValueLayout.JAVA_LONG, 8, length);
            return Libc.call(Nr.PWRITEV2, fd, iov.address(), 1, position, 0, RWF_NOAPPEND);
        }
    }

    @Override
    public int punchHole(long firstPage, long count) {
        return (int) Libc.call(Nr.FALLOCATE, fd, KEEP_SIZE | PUNCH_HOLE, Page.address(firstPage), Page.address(count));
    }

    @Override
    public long size() {
        try (Arena confined = Arena.ofConfined()) {
            MemorySegment stat = confined.allocate(HostStat.SIZE, 8);
            return Libc.call(Nr.FSTAT, fd, stat.address()) < 0 ? 0 : HostStat.size(stat);
        }
    }

    @Override
    public boolean isShmem() {
        return false;
    }

    @Override
    public Object identity(AddressSpace mapping) {
        return key;
    }

    @Override
    public boolean isTmpfs() {
        return tmpfs;
    }

    @Override
    public int reserve(long index) {
        if (swapFiles.has(key)) {
            return -Errno.ETXTBSY;
        }
        if (tmpfs || sharesPosition) {
            return 0;
        }
        long start = Page.address(index);
        long end = Math.min(start + Page.SIZE, size());
        long hole = Libc.call(Nr.LSEEK, fd, start, SEEK_HOLE);
        if (hole < 0 || hole >= end) {
            return 0;
        }
        int result = (int) Libc.call(Nr.FALLOCATE, fd, KEEP_SIZE, start, Page.SIZE);
        return result == -Errno.ENOSPC || result == -Errno.EDQUOT ? result : 0;
    }

    @Override
    public long blockBytes() {
        return blockBytes;
    }

    @Override
    public boolean isHole(long index) {
        if (sharesPosition) {
            return false; // seeking would be seen
        }
        long at = Page.address(index);
        long data = Libc.call(Nr.LSEEK, fd, at, SEEK_DATA);
        return data == -Errno.ENXIO || data >= at + Page.SIZE;
    }

    /**
     * The file is about to be sealed against future writes: what is mapped now can still be written back afterwards.
     */
    synchronized void keepWritable() {
        if (view == null) {
            view = SealedView.of(fd);
        }
    }

    /** The file is about to be sealed against all writes, and nothing is mapped that could be stored to. */
    synchronized void dropWritable() {
        if (view != null) {
            view.close();
            view = null;
        }
    }

    /** Lets go of the host's file. Nobody reads or writes any more. */
    synchronized void close() {
        dropWritable();
        Libc.call(Nr.CLOSE, fd);
        if (replaced >= 0) {
            Libc.call(Nr.CLOSE, replaced);
        }
    }
}
