package faultline.emulator.fs;

import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.phys.Page;
import faultline.mmu.swap.SwapStore;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A swap area in a file of the guest's. Pages go to the file past those that are cached of it, as Linux writes to the
 * blocks that it asked the file system for when the area was taken on.
 */
public final class GuestSwapFile implements SwapStore {
    private static final Logger LOG = LoggerFactory.getLogger(GuestSwapFile.class);
    private static final int FS_IOC_FIEMAP = 0xc020_660b;
    private static final int FIEMAP_FLAG_SYNC = 1;
    private static final int FIEMAP_HEADER = 32;
    private static final int EXTENT = 56;
    private static final int EXTENTS = 64;

    private final HostFile file;
    private final String path;

    private GuestSwapFile(HostFile file) {
        this.file = file;
        this.path = file.path();
    }

    /**
     * Makes an open file one that nobody writes to but swapping.
     *
     * @param opened a file that is open for reading and writing; the area's to close if this succeeds
     * @param to receives the area
     * @return 0; -EINVAL when it is no regular file, has holes, or is kept where there are no blocks; -EBUSY when it
     * is one already
     */
    @KernelFunction(value = "claim_swapfile", file = "mm/swapfile.c")
    public static long claim(OpenFile opened, GuestSwapFile[] to) {
        if (!(opened.mapped() instanceof HostFile file)) {
            return -Errno.EINVAL;
        }
        SwapFiles areas = file.root().swapFiles();
        if (!areas.claim(file.key())) {
            return -Errno.EBUSY;
        }
        // What mappings have stored goes out, and their next store to each page faults.
        long error = file.writeback();
        error = error == 0 && !isSolid(file) ? -Errno.EINVAL : error;
        if (error != 0) {
            areas.release(file.key());
            return error;
        }
        to[0] = new GuestSwapFile(file);
        return 0;
    }

    /** Whether each whole page of the file has its place on the disk. */
    @KernelFunction(value = "iomap_swapfile_activate", file = "fs/iomap/swapfile.c")
    private static boolean isSolid(HostFile file) {
        long end = file.size() & -Page.SIZE;
        long at = 0;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment map = arena.allocate(FIEMAP_HEADER + EXTENTS * EXTENT, 8);
            while (at < end) {
                map.set(ValueLayout.JAVA_LONG, 0, at);
                map.set(ValueLayout.JAVA_LONG, 8, end - at);
                map.set(ValueLayout.JAVA_INT, 16, FIEMAP_FLAG_SYNC);
                map.set(ValueLayout.JAVA_INT, 24, EXTENTS);
                long r = Libc.call(Nr.IOCTL, file.hostFd(), FS_IOC_FIEMAP, map.address());
                int found = r < 0 ? 0 : map.get(ValueLayout.JAVA_INT, 20);
                long before = at;
                for (int i = 0; i < found; i++) {
                    long extent = FIEMAP_HEADER + (long) i * EXTENT;
                    long start = map.get(ValueLayout.JAVA_LONG, extent);
                    at = start <= at ? start + map.get(ValueLayout.JAVA_LONG, extent + 16) : at;
                }
                if (at == before) {
                    return false;
                }
            }
        }
        return true;
    }

    /** Whether this is the area in an open file. */
    public boolean isIn(OpenFile other) {
        return other.mapped() instanceof HostFile host && host.key().equals(file.key());
    }

    /** Bytes of the file. */
    public long size() {
        return file.size();
    }

    @Override
    public String path() {
        return path;
    }

    @Override
    public int read(long slot, MemorySegment page) {
        return transfer(Nr.PREAD64, slot, page);
    }

    @Override
    public int write(long slot, MemorySegment page) {
        return transfer(Nr.PWRITE64, slot, page);
    }

    private int transfer(int call, long slot, MemorySegment page) {
        long done = 0;
        while (done < Page.SIZE) {
            long n = Libc.call(
                    call, file.hostFd(), page.address() + done, Page.SIZE - done, (slot << Page.SHIFT) + done);
            if (n <= 0) {
                LOG.warn("slot {} of swap file {}: errno {}", slot, path, -n);
                return -Errno.EIO;
            }
            done += n;
        }
        return 0;
    }

    @Override
    public void close() {
        file.root().swapFiles().release(file.key());
        file.put();
    }
}
