package faultline.mmu.op;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;

/** munmap(2). */
public final class Munmap {
    private final OpEnv env;

    public Munmap(OpEnv env) {
        this.env = env;
    }

    /**
     * Removes all mappings of a range; a range without any is no error.
     *
     * @return 0; -EINVAL for a start not on a page, a length of 0 or a range beyond the address space; -ENOMEM when a
     *     hole would exceed vm.max_map_count; -EPERM for a sealed mapping
     */
    @KernelFunction(value = "__vm_munmap", file = "mm/mmap.c")
    public long run(MmStruct mm, long start, long len) {
        mm.mmapLock().writeLock();
        try {
            return unmap(env, mm, start, len);
        } finally {
            mm.mmapLock().writeUnlock();
        }
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
