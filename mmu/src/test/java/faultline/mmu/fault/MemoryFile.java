package faultline.mmu.fault;

import faultline.mmu.Errno;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.file.BackingStore;
import faultline.mmu.file.MappedFile;
import faultline.mmu.file.PageCache;
import faultline.mmu.phys.Page;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;

/** A file whose content is an array, with what its page cache asked of it. */
public final class MemoryFile implements MappedFile, BackingStore {
    public final AtomicInteger reads = new AtomicInteger();
    public final AtomicInteger writes = new AtomicInteger();
    public volatile boolean broken;
    /** There is no room for what has not been written yet. */
    public volatile boolean full;

    private final AddressSpace mapping;
    private byte[] content;

    /** A file of {@code pages} pages; page n begins with the byte n + 1. */
    public MemoryFile(PageCache cache, int pages) {
        content = new byte[pages << Page.SHIFT];
        for (int i = 0; i < pages; i++) {
            content[i << Page.SHIFT] = (byte) (i + 1);
        }
        mapping = new AddressSpace(cache, this);
    }

    public synchronized byte byteAt(long pos) {
        return content[(int) pos];
    }

    /** As ftruncate(2) on the host. */
    public synchronized int resizeTo(long bytes) {
        content = Arrays.copyOf(content, (int) bytes);
        return 0;
    }

    public synchronized long hostWrite(long pos, MemorySegment src, long len) {
        if (pos + len > content.length) {
            content = Arrays.copyOf(content, (int) (pos + len));
        }
        MemorySegment.copy(src, 0, MemorySegment.ofArray(content), pos, len);
        return len;
    }

    @Override
    public synchronized int readPages(long index, int count, MemorySegment dst) {
        reads.incrementAndGet();
        if (broken) {
            return -Errno.EIO;
        }
        long pos = index << Page.SHIFT;
        int n = (int) Math.max(0, Math.min((long) count << Page.SHIFT, content.length - pos));
        MemorySegment.copy(MemorySegment.ofArray(content), n == 0 ? 0 : pos, dst, 0, n);
        return n;
    }

    @Override
    public synchronized int writePages(long index, int bytes, MemorySegment src) {
        writes.incrementAndGet();
        if (broken) {
            return -Errno.EIO;
        }
        long pos = index << Page.SHIFT;
        int n = (int) Math.max(0, Math.min(bytes, content.length - pos));
        MemorySegment.copy(src, 0, MemorySegment.ofArray(content), n == 0 ? 0 : pos, n);
        return n;
    }

    @Override
    public synchronized int punchHole(long firstPage, long count) {
        Arrays.fill(content, (int) Page.address(firstPage), (int) Page.address(firstPage + count), (byte) 0);
        return 0;
    }

    @Override
    public synchronized long size() {
        return content.length;
    }

    @Override
    public boolean isShmem() {
        return false;
    }

    @Override
    public AddressSpace mapping() {
        return mapping;
    }

    @Override
    public boolean readable() {
        return true;
    }

    @Override
    public boolean writable() {
        return true;
    }

    @Override
    public boolean noexec() {
        return false;
    }

    @Override
    public String path() {
        return "/memory-file";
    }

    @Override
    public long dev() {
        return 1;
    }

    @Override
    public long ino() {
        return 1;
    }

    @Override
    public void get() {
        // lives as long as the test
    }

    @Override
    public int reserve(long index) {
        return full ? -Errno.ENOSPC : 0;
    }

    @Override
    public long blockBytes() {
        return 1024;
    }

    @Override
    public void put() {
        // lives as long as the test
    }
}
