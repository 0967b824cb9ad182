package faultline.emulator.fs;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.mmu.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** /proc/PID/mem, whose offset is an address, and /proc/PID/pagemap, eight bytes a page. */
final class ProcMemoryFile extends OpenFile {
    private static final int ENTRY = 8;
    private static final int PAGE_SHIFT = 12;
    /** Pages of the user's half. */
    private static final long PAGES = (1L << 35) - 1;
    /** Entries that are made at a time. */
    private static final int BATCH = 512;

    private final ProcProcess process;
    private final boolean pagemap;
    private final int flags;
    private long position;

    ProcMemoryFile(String path, ProcProcess process, boolean pagemap, int flags) {
        super(path);
        this.process = process;
        this.pagemap = pagemap;
        this.flags = flags & OpenFlags.O_ACCMODE | OpenFlags.O_LARGEFILE;
    }

    @Override
    public String counterpart() {
        return pagemap ? "/proc/self/pagemap" : "/proc/self/mem";
    }

    @Override
    public int statusFlags() {
        return flags;
    }

    @Override
    public long setStatusFlags(int newFlags) {
        return 0;
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
    public long pread(Waiter waiter, MemorySegment to, long length, long at, int rwFlags) {
        return pagemap ? entries(to, length, at) : process.readMemory(at, to, length);
    }

    private long entries(MemorySegment to, long length, long at) {
        if ((at | length) % ENTRY != 0) {
            return -Errno.EINVAL;
        }
        long first = at / ENTRY;
        long n = Math.min(length / ENTRY, Math.max(0, PAGES - first));
        for (long i = 0; i < n; i += BATCH) {
            long[] entries = new long[(int) Math.min(BATCH, n - i)];
            process.pagemap(first + i << PAGE_SHIFT, entries);
            MemorySegment.copy(entries, 0, to, ValueLayout.JAVA_LONG_UNALIGNED, i * ENTRY, entries.length);
        }
        return n * ENTRY;
    }

    @Override
    public long pwrite(Waiter waiter, MemorySegment from, long length, long at, int rwFlags) {
        return pagemap ? -Errno.EINVAL : process.writeMemory(at, from, length);
    }

    @Override
    public synchronized long lseek(long offset, int whence) {
        if (whence > 1) {
            return -Errno.EINVAL;
        }
        position = whence == 1 ? position + offset : offset;
        return position;
    }

    @Override
    public long fstat(MemorySegment stat) {
        return Libc.call(Nr.STAT, HostScratch.get().path(counterpart()), stat.address());
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
