package faultline.emulator.syscall.file;

import faultline.emulator.fs.OpenFile;
import faultline.emulator.host.HostScratch;
import faultline.emulator.task.Task;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.phys.Page;
import faultline.mmu.system.MemorySystem;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Reads and writes of a file that was opened with O_DIRECT: the pages of the program's buffer are pinned, and the host
 * moves the bytes between its device and guest memory itself, with no copy in between. A page keeps its place in its
 * page, so that what the host demands of a buffer's alignment it demands of the program.
 */
final class DirectTransfer {
    /** Pages pinned at a time. */
    private static final int BATCH = 256;

    private final Task task;
    private final MmStruct mm;
    private final MemorySystem memory;
    private final long[] pages = new long[BATCH];

    private DirectTransfer(Task task) {
        this.task = task;
        this.mm = task.mm();
        this.memory = task.kernel().memory();
    }

    /**
     * Transfers {@code count} bytes at {@code buf}.
     *
     * @param pos where in the file, or negative for the file position
     * @param write to the file
     * @return bytes transferred, fewer at the file's end or where the buffer is not mapped; or -errno
     */
    @KernelFunction(value = "iomap_dio_rw", file = "fs/iomap/direct-io.c")
    static long run(Task task, OpenFile file, long buf, long count, long pos, int flags, boolean write) {
        DirectTransfer transfer = new DirectTransfer(task);
        long done = 0;
        do {
            long address = buf + done;
            long length = Math.min(count - done, ((long) BATCH << Page.SHIFT) - Page.offset(address));
            long n = transfer.batch(file, address, length, pos < 0 ? pos : pos + done, flags, write);
            if (n < 0) {
                return done > 0 ? done : n;
            }
            done += n;
            if (n < length) {
                break;
            }
        } while (done < count);
        return done;
    }

    private long batch(OpenFile file, long address, long length, long pos, int flags, boolean write) {
        int wanted = (int) (Page.offset(address) + length + Page.SIZE - 1 >>> Page.SHIFT);
        long pinned = length == 0 ? 0 : pin(address, wanted, !write);
        if (pinned < 0) {
            return pinned;
        }
        long reachable = Math.min(length, (pinned << Page.SHIFT) - Page.offset(address));
        try {
            MemorySegment vector = vector(address, Math.max(0, reachable), (int) pinned);
            long n = file.transferVector(vector, (int) pinned, pos, flags, write);
            if (!write && n > 0) {
                markWritten((int) pinned);
            }
            return n;
        } finally {
            for (int i = 0; i < pinned; i++) {
                memory.phys().allocator().putPage(pages[i]);
            }
        }
    }

    /** @param changed whether the device writes to the pages */
    @KernelFunction(value = "iov_iter_extract_pages", file = "lib/iov_iter.c")
    private long pin(long address, int count, boolean changed) {
        mm.mmapLock().readLock();
        try {
            return memory.gup().getUserPages(mm, task.fault(), address, count, changed, false, pages, null);
        } finally {
            mm.mmapLock().readUnlock();
        }
    }

    /** The host's iovec for the pinned pages, one element each. */
    private MemorySegment vector(long address, long length, int count) {
        MemorySegment vector = HostScratch.get().bounce(16L * BATCH);
        long left = length;
        long offset = Page.offset(address);
        for (int i = 0; i < count; i++) {
            long n = Math.min(left, Page.SIZE - offset);
            vector.set(ValueLayout.JAVA_LONG, 16L * i, memory.phys().base() + Page.address(pages[i]) + offset);
            vector.set(ValueLayout.JAVA_LONG, 16L * i + 8, n);
            left -= n;
            offset = 0;
        }
        return vector;
    }

    private void markWritten(int count) {
        for (int i = 0; i < count; i++) {
            memory.cache().instructionCache().flushFrame(pages[i]);
            if (memory.phys().frames().mapping(pages[i]) instanceof AddressSpace mapping) {
                mapping.setPageDirty(pages[i]);
            }
        }
    }
}
