package faultline.emulator.fs;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.OpenFlags;
import faultline.mmu.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;

/**
 * An open file whose text the emulator makes: made when reading begins at 0, so that a program that keeps it open and
 * rewinds sees news, and one that reads in pieces sees one state.
 */
class VirtualFile extends EmulatedFile {
    private static final int OPEN_ONLY =
            OpenFlags.O_CREAT | OpenFlags.O_EXCL | OpenFlags.O_NOCTTY | OpenFlags.O_TRUNC | OpenFlags.O_CLOEXEC;

    private final String counterpart;
    private final Supplier<String> text;
    private final ToLongFunction<String> writer;
    private byte[] content;
    private long position;

    /**
     * @param counterpart host path whose metadata stand for the file's
     * @param text the whole content, Latin-1; null from it means that the process is gone (ESRCH)
     * @param writer what a write does: 0 or -errno; null where nothing can be written (EIO)
     */
    VirtualFile(String path, String counterpart, int flags, Supplier<String> text, ToLongFunction<String> writer) {
        super(path, flags & ~OPEN_ONLY | OpenFlags.O_LARGEFILE, OpenFlags.O_APPEND | OpenFlags.O_NONBLOCK);
        this.counterpart = counterpart;
        this.text = text;
        this.writer = writer;
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
    public synchronized long pread(Waiter waiter, MemorySegment to, long length, long at, int rwFlags) {
        if (content == null || at == 0) {
            String now = text.get();
            if (now == null) {
                return -Errno.ESRCH;
            }
            content = now.getBytes(StandardCharsets.ISO_8859_1);
        }
        if (at >= content.length) {
            return 0;
        }
        int n = (int) Math.min(length, content.length - at);
        MemorySegment.copy(content, (int) at, to, ValueLayout.JAVA_BYTE, 0, n);
        return n;
    }

    @Override
    public long write(Waiter waiter, MemorySegment from, long length, int rwFlags) {
        if (writer == null) {
            return -Errno.EIO;
        }
        long n = Math.min(length, 4096);
        long r = writer.applyAsLong(HostScratch.latin1(from, 0, (int) n));
        return r < 0 ? r : n;
    }

    @Override
    public long pwrite(Waiter waiter, MemorySegment from, long length, long at, int rwFlags) {
        return write(waiter, from, length, rwFlags);
    }

    @Override
    public synchronized long lseek(long offset, int whence) {
        if (whence > 1) {
            return -Errno.EINVAL;
        }
        long target = whence == 1 ? position + offset : offset;
        if (target < 0) {
            return -Errno.EINVAL;
        }
        position = target;
        return target;
    }
}
