package faultline.mmu.mm;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;

/** A device that a program can map: its pages are its driver's, neither anonymous nor a file's. */
@KernelFunction("file_operations")
public interface DeviceMapping {
    /**
     * Whether a mapping like that is possible.
     *
     * @param pgoff page of the device that it begins with
     * @param shared whether writes are to reach the device
     * @return 0 or -errno
     */
    int check(long pages, long pgoff, boolean shared);

    /** Gives a new, empty area, which passed {@link #check}, its operations and flags. */
    @KernelFunction("call_mmap")
    @RequiresLock("MMAP_LOCK")
    void mmap(Vma vma);
}
