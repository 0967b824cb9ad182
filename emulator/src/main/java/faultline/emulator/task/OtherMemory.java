package faultline.emulator.proc;

import faultline.emulator.task.Kernel;
import faultline.emulator.task.Task;
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

/** The memory of a process as a debugger sees it: read-only pages may be written, and faults count for the reader. */
final class OtherMemory {
    private static final long PAGE_OFFSET = MmLayout.PAGE_SIZE - 1;
    /** Most bytes of arguments or environment that are shown. */
    private static final long MOST_TEXT = 1 << 21;

    private final MemorySystem memory;
    private final MmStruct mm;
    private final FaultContext ctx;

    private OtherMemory(MemorySystem memory, MmStruct mm, FaultContext ctx) {
        this.memory = memory;
        this.mm = mm;
        this.ctx = ctx;
    }

    /** Called on a task's thread, whose cursor the faults use. */
    static OtherMemory of(Kernel kernel, MmStruct mm) {
        Task task = Task.currentOrNull();
        return new OtherMemory(kernel.memory(), mm, task == null ? new FaultContext() : task.fault());
    }

    /**
     * Copies to or from the process.
     *
     * @return bytes copied before the first address that is not mapped; -EIO when that is the first
     */
    @KernelFunction(value = "access_remote_vm", file = "mm/memory.c")
    long transfer(long address, MemorySegment buffer, long length, boolean write) {
        long[] pages = new long[1];
        long done = 0;
        while (done < length) {
            long at = address + done;
            long n = Math.min(length - done, MmLayout.PAGE_SIZE - (at & PAGE_OFFSET));
            long pinned;
            mm.mmapLock().readLock();
            try {
                pinned = memory.gup().getUserPages(mm, ctx, at, 1, write, true, pages, null);
            } finally {
                mm.mmapLock().readUnlock();
            }
            if (pinned != 1) {
                break;
            }
            long physical = (pages[0] << MmLayout.PAGE_SHIFT) + (at & PAGE_OFFSET);
            if (write) {
                MemorySegment.copy(buffer, done, memory.phys().segment(), physical, n);
                markWritten(pages[0]);
            } else {
                MemorySegment.copy(memory.phys().segment(), physical, buffer, done, n);
            }
            memory.phys().allocator().putPage(pages[0]);
            done += n;
        }
        return done > 0 || length == 0 ? done : -Errno.EIO;
    }

    private void markWritten(long pfn) {
        memory.cache().instructionCache().flushFrame(pfn);
        if (memory.phys().frames().mapping(pfn) instanceof AddressSpace mapping) {
            mapping.setPageDirty(pfn);
        }
    }

    /** The bytes of a range as Latin-1, up to the first that cannot be read. */
    String text(long start, long end) {
        long length = Math.min(Math.max(0, end - start), MOST_TEXT);
        byte[] bytes = new byte[(int) length];
        MemorySegment to = MemorySegment.ofArray(bytes);
        long n = Math.max(0, transfer(start, to, length, false));
        return new String(to.asSlice(0, n).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.ISO_8859_1);
    }
}
