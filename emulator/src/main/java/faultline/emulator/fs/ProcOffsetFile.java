package faultline.emulator.fs;

import faultline.emulator.host.OpenFlags;
import faultline.mmu.Errno;
import java.lang.foreign.MemorySegment;

/** A file of /proc whose offset counts in something that has no end to seek from: addresses, or frames. */
abstract class ProcOffsetFile extends EmulatedFile {
    private final String counterpart;
    private long position;

    /** @param counterpart the host's file whose metadata stand for it */
    ProcOffsetFile(String path, String counterpart, int flags) {
        super(path, flags & OpenFlags.O_ACCMODE | OpenFlags.O_LARGEFILE, 0);
        this.counterpart = counterpart;
    }

    @Override
    public String counterpart() {
        return counterpart;
    }

    @Override
    public synchronized long read(Waiter waiter, MemorySegment to, long length, int rwFlags) {
        long n = pread(waiter, to, length, position, rwFlags);
        if (n > 0) {
            position += n;
        }
        return n;
    }

    @Override
    public synchronized long write(Waiter waiter, MemorySegment from, long length, int rwFlags) {
        long n = pwrite(waiter, from, length, position, rwFlags);
        if (n > 0) {
            position += n;
        }
        return n;
    }

    @Override
    public synchronized long lseek(long offset, int whence) {
        if (whence > 1) {
            return -Errno.EINVAL;
        }
        position = whence == 1 ? position + offset : offset;
        return position;
    }
}
