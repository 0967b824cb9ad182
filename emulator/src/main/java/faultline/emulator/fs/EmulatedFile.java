package faultline.emulator.fs;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.mmu.Errno;
import java.lang.foreign.MemorySegment;

/**
 * An open file that the emulator itself is behind. Like a kernel's file whose {@code file_operations} are empty it can
 * be neither read nor written (EINVAL) and has no position (ESPIPE); a kind of file overrides what it can do.
 */
public abstract class EmulatedFile extends OpenFile {
    private final int settable;
    private volatile int flags;

    /**
     * @param path as of {@link OpenFile}
     * @param flags access mode and status flags
     * @param settable the status flags that F_SETFL changes
     */
    protected EmulatedFile(String path, int flags, int settable) {
        super(path);
        this.flags = flags;
        this.settable = settable;
    }

    @Override
    public final int statusFlags() {
        return flags;
    }

    @Override
    public final long setStatusFlags(int newFlags) {
        flags = flags & ~settable | newFlags & settable;
        return 0;
    }

    /** Whether a call is not to wait (O_NONBLOCK). */
    protected final boolean nonBlocking() {
        return (flags & OpenFlags.O_NONBLOCK) != 0;
    }

    @Override
    public long read(Waiter waiter, MemorySegment to, long length, int rwFlags) {
        return -Errno.EINVAL;
    }

    @Override
    public long write(Waiter waiter, MemorySegment from, long length, int rwFlags) {
        return -Errno.EINVAL;
    }

    @Override
    public long pread(Waiter waiter, MemorySegment to, long length, long position, int rwFlags) {
        return -Errno.EINVAL;
    }

    @Override
    public long pwrite(Waiter waiter, MemorySegment from, long length, long position, int rwFlags) {
        return -Errno.EINVAL;
    }

    @Override
    public long lseek(long offset, int whence) {
        return -Errno.ESPIPE;
    }

    /** The metadata of the host's descriptor, or of the {@link #counterpart}. */
    @Override
    public long fstat(MemorySegment stat) {
        return hostFd() >= 0
                ? Libc.call(Nr.FSTAT, hostFd(), stat.address())
                : Libc.call(Nr.STAT, HostScratch.get().path(counterpart()), stat.address());
    }

    @Override
    public boolean neverBlocks() {
        return true;
    }

    @Override
    protected void release() {
        // Nothing of the host's is held.
    }
}
