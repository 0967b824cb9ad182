package faultline.emulator.fs;

import faultline.mmu.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** /proc/PID/pagemap, /proc/kpageflags, /proc/kpagecount: eight bytes a page, or a frame, to be read whole. */
final class ProcEntriesFile extends ProcOffsetFile {
    private static final int ENTRY = 8;
    /** Entries that are made at a time. */
    private static final int BATCH = 512;

    /** Where the entries come from. */
    @FunctionalInterface
    interface Entries {
        /** Makes entries from {@code first} on. */
        void read(long first, long[] out);
    }

    private final long count;
    private final Entries entries;

    /** @param count entries that there are */
    ProcEntriesFile(String path, String counterpart, long count, Entries entries, int flags) {
        super(path, counterpart, flags);
        this.count = count;
        this.entries = entries;
    }

    @Override
    public long pread(Waiter waiter, MemorySegment to, long length, long at, int rwFlags) {
        if ((at | length) % ENTRY != 0) {
            return -Errno.EINVAL;
        }
        long first = at / ENTRY;
        long n = Math.min(length / ENTRY, Math.max(0, count - first));
        for (long i = 0; i < n; i += BATCH) {
            long[] batch = new long[(int) Math.min(BATCH, n - i)];
            entries.read(first + i, batch);
            MemorySegment.copy(batch, 0, to, ValueLayout.JAVA_LONG_UNALIGNED, i * ENTRY, batch.length);
        }
        return n * ENTRY;
    }
}
