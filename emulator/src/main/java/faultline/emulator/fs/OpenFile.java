package faultline.emulator.fs;

import faultline.emulator.host.OpenFlags;
import faultline.mmu.Errno;
import faultline.mmu.file.MappedFile;
import faultline.mmu.mm.DeviceMapping;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * An open file description (Linux: {@code struct file}): what descriptors point to, shared by dup(2) and fork(2).
 *
 * <p>Starts with one reference, the creator's. The last {@link #put} closes it. Transfers go between the file and
 * native memory; moving bytes to and from the guest is the system calls' matter. All results are ≥ 0 or -errno; an
 * interrupted wait is {@link HostWait#INTERRUPTED}.
 */
public abstract class OpenFile {
    /** {@link #terminal} before anybody has asked. */
    public static final long TERMINAL_UNKNOWN = -1;

    private final AtomicInteger references = new AtomicInteger(1);
    private final String path;
    private volatile long terminal = TERMINAL_UNKNOWN;
    private volatile Mount mount;
    /** What is to be done when the file goes; null for nothing. Changed under this object's monitor. */
    private Runnable onRelease;

    /** @param path the name /proc/PID/maps and /proc/PID/fd show, Latin-1 */
    protected OpenFile(String path) {
        this.path = path;
    }

    /** Takes a reference; the caller has one already. */
    public final void get() {
        references.incrementAndGet();
    }

    /** Takes a reference unless the last one is gone (Linux: {@code get_file_rcu}). */
    final boolean tryGet() {
        int n = references.get();
        while (n > 0) {
            if (references.compareAndSet(n, n + 1)) {
                return true;
            }
            n = references.get();
        }
        return false;
    }

    /** Drops a reference; the last one closes the file (Linux: {@code fput}). */
    public final void put() {
        int left = references.decrementAndGet();
        if (left == 0) {
            runOnRelease();
            release();
        } else if (left < 0) {
            throw new IllegalStateException("open file " + path + " was put too often");
        }
    }

    /** A descriptor of the file in some table was closed, which may not have been the last one. */
    public void flush(FdTable closer) {
        // nothing to do for most
    }

    /** Has something done when the last reference is gone, before {@link #release}. The caller has a reference. */
    public final synchronized void onRelease(Runnable action) {
        Runnable before = onRelease;
        onRelease = before == null
                ? action
                : () -> {
                    before.run();
                    action.run();
                };
    }

    private synchronized void runOnRelease() {
        if (onRelease != null) {
            onRelease.run();
        }
    }

    /** The last reference is gone. */
    protected abstract void release();

    /** The name as opened or as the host resolves it. */
    public String path() {
        return path;
    }

    /** The absolute guest path of a directory in or above {@link VirtualTree}'s part; null for any other file. */
    public String overlayPath() {
        return null;
    }

    /** A host path that has the metadata of a file without a host descriptor. */
    public String counterpart() {
        return path();
    }

    /** The mount of the machine's own through which the file was opened; null for none. */
    final Mount mount() {
        return mount;
    }

    final void setMount(Mount opened) {
        mount = opened;
    }

    /** Whether the file was opened through a read-only mount: what needs no descriptor for writing is EROFS. */
    public final boolean onReadOnlyMount() {
        Mount opened = mount;
        return opened != null && opened.readOnly();
    }

    /** What {@link #setTerminal} remembered: the device number of the terminal that this is, 0 for none. */
    public final long terminal() {
        return terminal;
    }

    /** Remembers what {@link #terminal} tells. */
    public final void setTerminal(long device) {
        terminal = device;
    }

    /** The host's descriptor, or -1 for a file that exists in the emulator only. */
    public int hostFd() {
        return -1;
    }

    /** Access mode and status flags, as fcntl(F_GETFL) reports them. */
    public abstract int statusFlags();

    /** Changes status flags (F_SETFL). */
    public abstract long setStatusFlags(int flags);

    /** Whether it was opened for reading. */
    public boolean readable() {
        int mode = statusFlags() & (OpenFlags.O_ACCMODE | OpenFlags.O_PATH);
        return mode == OpenFlags.O_RDONLY || mode == OpenFlags.O_RDWR;
    }

    /** Whether it was opened for writing. */
    public boolean writable() {
        int mode = statusFlags() & (OpenFlags.O_ACCMODE | OpenFlags.O_PATH);
        return mode == OpenFlags.O_WRONLY || mode == OpenFlags.O_RDWR;
    }

    /**
     * Reads at the file position.
     *
     * @param rwFlags RWF_* of preadv2(2), 0 for read(2)
     */
    public abstract long read(Waiter waiter, MemorySegment to, long length, int rwFlags);

    /** Writes at the file position. */
    public abstract long write(Waiter waiter, MemorySegment from, long length, int rwFlags);

    /** Reads at {@code position}; the file position stays. */
    public abstract long pread(Waiter waiter, MemorySegment to, long length, long position, int rwFlags);

    /** Writes at {@code position}; the file position stays. */
    public abstract long pwrite(Waiter waiter, MemorySegment from, long length, long position, int rwFlags);

    /** Moves the file position. @return the new one, or -errno */
    public abstract long lseek(long offset, int whence);

    /** Fills a {@code struct stat}. */
    public abstract long fstat(MemorySegment stat);

    /**
     * Reads directory entries.
     *
     * @param nr {@code Nr.GETDENTS} or {@code Nr.GETDENTS64}: the layout
     */
    public long getdents(int nr, MemorySegment to, long length) {
        return -Errno.ENOTDIR;
    }

    /** Changes the file's size (ftruncate), cached and mapped pages included. */
    public long truncate(long size) {
        return -Errno.EINVAL;
    }

    /** fallocate(2), cached and mapped pages included. */
    public long allocate(int mode, long offset, long length) {
        return -Errno.EBADF;
    }

    /** Writes dirty cached pages of the file to the host (the first half of fsync). */
    public long writeback() {
        return 0;
    }

    /** What a mapping of this file shows; null when it cannot be mapped (ENODEV). */
    public MappedFile mapped() {
        return null;
    }

    /** What a mapping of this device shows; null for everything else. */
    public DeviceMapping device() {
        return null;
    }

    /** Whether mapping this file gives anonymous memory (/dev/zero), private or shared as asked. */
    public boolean mapsAnonymous() {
        return false;
    }

    /** Seals a memfd (F_ADD_SEALS); a seal against writing is refused while there is a shared writable mapping. */
    public long addSeals(int seals) {
        return -Errno.EINVAL;
    }

    /** Whether transfers go past the page cache, straight to and from the program's pages (O_DIRECT). */
    public boolean isDirect() {
        return false;
    }

    /**
     * Transfers between a file that {@link #isDirect} and pieces of host memory.
     *
     * @param vector a host {@code iovec} of {@code count} elements
     * @param position negative for the file position
     */
    public long transferVector(MemorySegment vector, int count, long position, int rwFlags, boolean write) {
        return -Errno.EINVAL;
    }

    /** Events ready now, of a file without a host descriptor; poll(2)'s bits. */
    public int pollEvents() {
        return HostWait.POLLIN | HostWait.POLLOUT;
    }

    /** Whether poll(2) answers POLLERR at once, whatever the host's descriptor says. */
    public boolean pollsAsError() {
        return false;
    }

    /** Those of poll(2)'s events that the host's descriptor can tell of. */
    public int polledEvents() {
        return -1;
    }

    /** Somebody is about to poll this file, or to have it watched: what it shows may depend on who. */
    public void beforeWait(Waiter waiter) {
        // the same for everybody
    }

    /** Whether every transfer ends at once: a regular file, a directory, a virtual file. */
    public abstract boolean neverBlocks();
}
