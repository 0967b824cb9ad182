package faultline.mmu.swap;

import faultline.mmu.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.function.LongPredicate;

/** A file with a swap area in it, in memory: what mkswap(8) makes of {@code pages} pages of zeros. */
public final class SwapImage implements SwapStore {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment bytes;
    private final String path;
    private volatile LongPredicate unreadable = slot -> false;
    private volatile boolean closed;

    public SwapImage(String path, int pages) {
        this.path = path;
        bytes = arena.allocate(4096L * pages, 4096);
        MemorySegment.copy(MemorySegment.ofArray("SWAPSPACE2".getBytes(StandardCharsets.US_ASCII)), 0, bytes, 4086, 10);
        putHeader(1, pages - 1, 0);
    }

    /** Writes the header's numbers. */
    SwapImage putHeader(int version, int lastPage, int badPages) {
        bytes.set(INT, 1024, version);
        bytes.set(INT, 1028, lastPage);
        bytes.set(INT, 1032, badPages);
        return this;
    }

    /** Writes another signature. */
    SwapImage putSignature(String text) {
        MemorySegment.copy(MemorySegment.ofArray(text.getBytes(StandardCharsets.US_ASCII)), 0, bytes, 4086, 10);
        return this;
    }

    /** Slots that cannot be read from now on. */
    public void setUnreadable(LongPredicate slots) {
        unreadable = slots;
    }

    public long size() {
        return bytes.byteSize();
    }

    public boolean isClosed() {
        return closed;
    }

    @Override
    public String path() {
        return path;
    }

    @Override
    public int read(long slot, MemorySegment page) {
        if (unreadable.test(slot)) {
            return -Errno.EIO;
        }
        MemorySegment.copy(bytes, slot << 12, page, 0, 4096);
        return 0;
    }

    @Override
    public int write(long slot, MemorySegment page) {
        MemorySegment.copy(page, 0, bytes, slot << 12, 4096);
        return 0;
    }

    @Override
    public void close() {
        closed = true;
        arena.close();
    }
}
