package faultline.emulator.task;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.fault.FaultContext;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.system.MemorySystem;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/**
 * The memory of a process as others reach it, by pinning its pages: /proc/PID/mem, process_vm_readv(2), and what /proc
 * shows of its arguments. Faults count for the task that asks.
 *
 * <p>A pinned page stays the process' own for as long as it is copied: unmapping it meanwhile only makes the copy late.
 */
public final class OtherMemory {
    private static final long PAGE_OFFSET = MmLayout.PAGE_SIZE - 1;
    /** Pages pinned at a time. */
    private static final int BATCH = 16;
    /** Most bytes of arguments or environment that are shown. */
    private static final long MOST_TEXT = 1 << 21;

    private final MemorySystem memory;
    private final MmStruct mm;
    private final FaultContext ctx;
    private final boolean force;
    private final long[] pages = new long[BATCH];

    private OtherMemory(MemorySystem memory, MmStruct mm, FaultContext ctx, boolean force) {
        this.memory = memory;
        this.mm = mm;
        this.ctx = ctx;
        this.force = force;
    }

    /**
     * Access to {@code mm}; called on a task's thread, whose cursor the faults use.
     *
     * @param force as a debugger: read-only pages may be written (to a private copy), unreadable ones read
     */
    public static OtherMemory of(Kernel kernel, MmStruct mm, boolean force) {
        Task task = Task.currentOrNull();
        return new OtherMemory(kernel.memory(), mm, task == null ? new FaultContext() : task.fault(), force);
    }

    /** Moves bytes of one pinned page. */
    @FunctionalInterface
    public interface PageCopy {
        /**
         * Copies between the page and somewhere else.
         *
         * @param memory guest memory
         * @param at where in it the piece of the page is
         * @param done bytes copied before this piece
         * @param length bytes of the piece
         * @return bytes copied; fewer than {@code length} ends the transfer
         */
        long copy(MemorySegment memory, long at, long done, long length);
    }

    /**
     * Lets {@code copy} see the pages of a range, a page at a time.
     *
     * @param write the pages are changed by it
     * @return bytes copied before the first that could not be; -EFAULT when that is the first
     */
    @KernelFunction(value = "process_vm_rw_single_vec", file = "mm/process_vm_access.c")
    public long forEachPage(long address, long length, boolean write, PageCopy copy) {
        long done = 0;
        while (done < length) {
            long at = address + done;
            long wanted = Math.min(BATCH, (at & PAGE_OFFSET) + length - done + PAGE_OFFSET >>> MmLayout.PAGE_SHIFT);
            long pinned = pin(at, wanted, write);
            if (pinned <= 0) {
                break;
            }
            long before = done;
            boolean stopped = false;
            for (int i = 0; i < pinned; i++) {
                if (!stopped) {
                    long from = address + done;
                    long n = Math.min(length - done, MmLayout.PAGE_SIZE - (from & PAGE_OFFSET));
                    long physical = (pages[i] << MmLayout.PAGE_SHIFT) + (from & PAGE_OFFSET);
                    long copied = copy.copy(memory.phys().segment(), physical, done, n);
                    done += copied;
                    stopped = copied < n;
                    if (write) {
                        markWritten(pages[i]);
                    }
                }
                memory.phys().allocator().putPage(pages[i]);
            }
            if (stopped || done == before || pinned < wanted) {
                break;
            }
        }
        return done > 0 || length == 0 ? done : -Errno.EFAULT;
    }

    private long pin(long address, long count, boolean write) {
        ctx.withoutUserSpace = force; // a debugger does not wait, as access_remote_vm does not
        mm.mmapLock().readLock();
        try {
            return memory.gup().getUserPages(mm, ctx, address, count, write, force, pages, null);
        } finally {
            ctx.withoutUserSpace = false;
            mm.mmapLock().readUnlock();
        }
    }

    /**
     * Copies to or from the process.
     *
     * @return bytes copied before the first address that is not mapped; -EIO when that is the first
     */
    @KernelFunction(value = "access_remote_vm", file = "mm/memory.c")
    public long transfer(long address, MemorySegment buffer, long length, boolean write) {
        long done = forEachPage(address, length, write, (guest, at, before, n) -> {
            if (write) {
                MemorySegment.copy(buffer, before, guest, at, n);
            } else {
                MemorySegment.copy(guest, at, buffer, before, n);
            }
            return n;
        });
        return done == -Errno.EFAULT ? -Errno.EIO : done;
    }

    private void markWritten(long pfn) {
        memory.cache().instructionCache().flushFrame(pfn);
        if (memory.phys().frames().mapping(pfn) instanceof AddressSpace mapping) {
            mapping.setPageDirty(pfn);
        }
    }

    /** The bytes of a range as Latin-1, up to the first that cannot be read. */
    public String text(long start, long end) {
        long length = Math.min(Math.max(0, end - start), MOST_TEXT);
        byte[] bytes = new byte[(int) length];
        MemorySegment to = MemorySegment.ofArray(bytes);
        long n = Math.max(0, transfer(start, to, length, false));
        return new String(to.asSlice(0, n).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.ISO_8859_1);
    }
}
