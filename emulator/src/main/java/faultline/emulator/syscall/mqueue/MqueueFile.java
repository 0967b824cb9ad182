package faultline.emulator.syscall.mqueue;

import faultline.emulator.fs.FdTable;
import faultline.emulator.fs.OpenFile;
import faultline.emulator.fs.Waiter;
import faultline.emulator.host.HostStat;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.mmu.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/** An open message queue. Reading it tells how full it is; messages come and go by calls of their own. */
final class MqueueFile extends OpenFile {
    /** FILENT_SIZE. */
    private static final int SIZE = 80;

    private final MqueueTable table;
    private final Mqueue queue;
    private final int hostFd;
    private volatile int flags;
    /** Guarded by this object's monitor. */
    private long position;

    /** @param hostFd a duplicate of the queue's eventfd; this file's from now on */
    MqueueFile(MqueueTable table, String name, Mqueue queue, int hostFd, int flags) {
        super("/" + name);
        this.table = table;
        this.queue = queue;
        this.hostFd = hostFd;
        this.flags = flags & (OpenFlags.O_ACCMODE | OpenFlags.O_NONBLOCK);
    }

    Mqueue queue() {
        return queue;
    }

    boolean waits() {
        return (flags & OpenFlags.O_NONBLOCK) == 0;
    }

    @Override
    protected void release() {
        Libc.call(Nr.CLOSE, hostFd);
        table.closed(queue);
    }

    @Override
    public void flush(FdTable closer) {
        queue.flush(closer);
    }

    @Override
    public int hostFd() {
        return hostFd;
    }

    @Override
    public int statusFlags() {
        return flags;
    }

    @Override
    public long setStatusFlags(int newFlags) {
        flags = flags & ~OpenFlags.O_NONBLOCK | newFlags & OpenFlags.O_NONBLOCK;
        return 0;
    }

    @Override
    public synchronized long read(Waiter waiter, MemorySegment to, long length, int rwFlags) {
        long n = pread(waiter, to, length, position, rwFlags);
        position += Math.max(0, n);
        return n;
    }

    @Override
    public long pread(Waiter waiter, MemorySegment to, long length, long at, int rwFlags) {
        if (!readable()) {
            return -Errno.EBADF;
        }
        byte[] text = queue.text().getBytes(StandardCharsets.US_ASCII);
        int n = (int) Math.max(0, Math.min(length, text.length - at));
        MemorySegment.copy(text, (int) Math.min(at, text.length), to, ValueLayout.JAVA_BYTE, 0, n);
        return n;
    }

    @Override
    public long write(Waiter waiter, MemorySegment from, long length, int rwFlags) {
        return writable() ? -Errno.EINVAL : -Errno.EBADF;
    }

    @Override
    public long pwrite(Waiter waiter, MemorySegment from, long length, long at, int rwFlags) {
        return write(waiter, from, length, rwFlags);
    }

    @Override
    public synchronized long lseek(long offset, int whence) {
        long base = whence == 0 ? 0 : whence == 1 ? position : whence == 2 ? SIZE : -1;
        if (base < 0 || base + offset < 0) {
            return -Errno.EINVAL;
        }
        position = base + offset;
        return position;
    }

    @Override
    public long fstat(MemorySegment stat) {
        long error = Libc.call(Nr.FSTAT, hostFd, stat.address());
        stat.set(ValueLayout.JAVA_INT, 24, HostStat.S_IFREG | queue.mode);
        stat.set(ValueLayout.JAVA_INT, 28, queue.uid);
        stat.set(ValueLayout.JAVA_INT, 32, queue.gid);
        stat.set(ValueLayout.JAVA_LONG, 48, SIZE);
        return error;
    }

    @Override
    public boolean neverBlocks() {
        return true;
    }
}
