package faultline.mmu.op;

import faultline.mmu.Errno;
import faultline.mmu.annotation.Injectable;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;

/** Makes two mappings of one. */
final class VmaSplit {
    private VmaSplit() {}

    /**
     * As {@link #splitUnchecked}, within vm.max_map_count.
     *
     * @return as that
     */
    @KernelFunction(value = "split_vma", file = "mm/vma.c")
    @RequiresLock("MMAP_LOCK")
    static int split(Vma vma, long at, boolean newBelow) {
        MmStruct mm = vma.mm();
        return mm.vmas().size() >= mm.sysctl().maxMapCount ? -Errno.ENOMEM : splitUnchecked(vma, at, newBelow);
    }

    /**
     * Splits {@code vma} at {@code at}: it keeps the upper part when {@code newBelow}, else the lower one.
     *
     * @return 0, -ENOMEM, or -EINVAL inside a huge page of the pool
     */
    @KernelFunction(value = "__split_vma", file = "mm/vma.c")
    @RequiresLock("MMAP_LOCK")
    static int splitUnchecked(Vma vma, long at, boolean newBelow) {
        int refused = vma.ops() == null ? 0 : vma.ops().maySplit(vma, at);
        if (refused != 0) {
            return refused;
        }
        long offset = vma.pgoff() + (at - vma.start() >>> MmLayout.PAGE_SHIFT);
        Vma part = newBelow
                ? duplicate(vma, vma.mm(), vma.start(), at, vma.pgoff())
                : duplicate(vma, vma.mm(), at, vma.end(), offset);
        if (part == null) {
            return -Errno.ENOMEM;
        }
        part.shareAnonVma(vma);
        VmaFile.get(part);
        HugeBoundary.splitAt(vma, at);
        try (VmaRelink _ = VmaRelink.open(vma, part)) {
            if (newBelow) {
                vma.mm().vmas().setBounds(vma, at, vma.end(), offset);
            } else {
                vma.mm().vmas().setBounds(vma, vma.start(), at, vma.pgoff());
            }
            vma.mm().vmas().insert(part);
        }
        return 0;
    }

    /**
     * Whether [{@code start}, {@code end}), a part of {@code vma}, may become a mapping of its own. @return 0 or
     * -EINVAL
     */
    @RequiresLock("MMAP_LOCK")
    static int mayCutOut(Vma vma, long start, long end) {
        if (vma.ops() == null) {
            return 0;
        }
        int error = start == vma.start() ? 0 : vma.ops().maySplit(vma, start);
        return error != 0 || end == vma.end() ? error : vma.ops().maySplit(vma, end);
    }

    /** A copy of {@code vma} with other bounds, or null when there is no memory for it. */
    @KernelFunction(value = "vm_area_dup", file = "kernel/fork.c")
    @Injectable(value = "mm/vma/dup", error = 0, mayWait = true)
    static Vma duplicate(Vma vma, MmStruct mm, long start, long end, long pgoff) {
        return vma.duplicate(mm, start, end, pgoff);
    }

    /** A fresh mapping, soft-dirty as a whole as all fresh ones are; or null when there is no memory for it. */
    @KernelFunction(value = "vm_area_alloc", file = "kernel/fork.c")
    @Injectable(value = "mm/vma/alloc", error = 0, mayWait = true)
    static Vma allocate(MmStruct mm, long start, long end, long flags, long pgoff) {
        return new Vma(mm, start, end, flags | VmFlags.SOFTDIRTY, pgoff);
    }
}
