package faultline.mmu.mm;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/**
 * What a mapping of something other than anonymous memory or a cached file does its own way: device memory, special
 * pages.
 */
@KernelFunction("vm_operations_struct")
public interface VmOperations {
    /** The name in /proc/PID/maps, such as {@code [vvar]}; null for none. */
    default String name(Vma vma) {
        return null;
    }

    /**
     * The frame that page {@code pgoff} of the object shows, for mappings with {@link VmFlags#PFNMAP}.
     *
     * @return the frame number, or -errno; -EFAULT becomes SIGBUS
     */
    default long faultPfn(Vma vma, long pgoff) {
        return -Errno.EFAULT;
    }

    /** Whether the mapping may become two at {@code at}. @return 0 or -errno */
    default int maySplit(Vma vma, long at) {
        return 0;
    }

    /** Bytes of the pages that the mapping is made of. */
    default long pageSize() {
        return MmLayout.PAGE_SIZE;
    }

    /** Another mapping of the object came to be: by split, copy at mremap, or fork. */
    default void open(Vma vma) {}

    /** A mapping of the object is going. */
    default void close(Vma vma) {}

    /** Whether {@link #close} does anything: such mappings cannot be removed by merging. */
    default boolean hasClose() {
        return false;
    }
}
