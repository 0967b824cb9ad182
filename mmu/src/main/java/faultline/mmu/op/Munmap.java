package faultline.mmu.op;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.UserfaultEvents;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;

/** munmap(2). */
public final class Munmap {
    private final OpEnv env;

    /** The operation, on the address spaces of one machine. */
    public Munmap(OpEnv env) {
        this.env = env;
    }

    /**
     * Removes all mappings of a range; a range without any is no error.
     *
     * @return 0; -EINVAL for a start not on a page, a length of 0 or a range beyond the address space; -ENOMEM when a
     *     hole would exceed vm.max_map_count; -EPERM for a sealed mapping
     */
    public long run(MmStruct mm, long start, long len) {
        return run(mm, null, start, len);
    }

    /**
     * As {@link #run(MmStruct, long, long)}. @param ctx the calling task's, which waits until userfaultfds have been
     * told
     */
    @KernelFunction(value = "__vm_munmap", file = "mm/mmap.c")
    public long run(MmStruct mm, FaultContext ctx, long start, long len) {
        long result;
        UserfaultEvents events;
        mm.mmapLock().writeLock();
        try {
            UserfaultEvents.begin(mm);
            result = unmap(env, mm, start, len);
        } finally {
            events = UserfaultEvents.end(mm);
            mm.mmapLock().writeUnlock();
        }
        UserfaultEvents.tell(events, ctx);
        return result;
    }

    /** As {@link #run} under the caller's lock. */
    @KernelFunction(value = "do_vmi_munmap", file = "mm/vma.c")
    @RequiresLock("MMAP_LOCK")
    static int unmap(OpEnv env, MmStruct mm, long start, long len) {
        if (MmLayout.offsetInPage(start)
                || Long.compareUnsigned(start, MmLayout.TASK_SIZE) > 0
                || Long.compareUnsigned(len, MmLayout.TASK_SIZE - start) > 0) {
            return -Errno.EINVAL;
        }
        long end = start + MmLayout.pageAlign(len);
        if (end == start) {
            return -Errno.EINVAL;
        }
        Unmapping unmapping = new Unmapping(env, mm, start, end);
        int error = unmapping.gather();
        if (error == 0) {
            unmapping.complete();
        }
        return error;
    }
}
