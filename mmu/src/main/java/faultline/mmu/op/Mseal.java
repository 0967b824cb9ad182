package faultline.mmu.op;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;

/**
 * mseal(2): mappings that can neither be unmapped, moved, replaced, resized nor get other rights, until the address
 * space ends. What each call refuses is checked where the call is: {@link Unmapping}, {@link Mprotect}, {@link
 * MremapRequest},
 * {@link Madvise}.
 */
public final class Mseal {
    /**
     * Seals a range.
     *
     * @param flags 0
     * @return 0; -EINVAL (flags, address not on a page, wrap); -ENOMEM (hole, nothing is sealed then; too many
     *     mappings)
     */
    @KernelFunction(value = "do_mseal", file = "mm/mseal.c")
    public long run(MmStruct mm, long start, long length, long flags) {
        long len = MmLayout.pageAlign(length);
        long end = start + len;
        if (flags != 0
                || MmLayout.offsetInPage(start)
                || length != 0 && len == 0
                || Long.compareUnsigned(end, start) < 0) {
            return -Errno.EINVAL;
        }
        if (end == start) {
            return 0;
        }
        mm.mmapLock().writeLock();
        try {
            return hasHole(mm, start, end) ? -Errno.ENOMEM : apply(mm, start, end);
        } finally {
            mm.mmapLock().writeUnlock();
        }
    }

    @KernelFunction(value = "range_contains_unmapped", file = "mm/mseal.c")
    private static boolean hasHole(MmStruct mm, long start, long end) {
        long at = start;
        while (Long.compareUnsigned(at, end) < 0) {
            Vma vma = at < 0 ? null : mm.vmas().lookup(at);
            if (vma == null) {
                return true;
            }
            at = vma.end();
        }
        return false;
    }

    @KernelFunction(value = "mseal_apply", file = "mm/mseal.c")
    @RequiresLock("MMAP_LOCK")
    private static long apply(MmStruct mm, long from, long end) {
        long start = from;
        while (start < end) {
            Vma vma = mm.vmas().lookup(start);
            long to = Math.min(end, vma.end());
            if (!vma.has(VmFlags.SEALED)) {
                int refused = VmaSplit.mayCutOut(vma, start, to);
                if (refused != 0) {
                    return refused;
                }
                long sealed = vma.flags() | VmFlags.SEALED;
                Vma changed = VmaMerge.modifyFlags(vma, start, to, sealed);
                if (changed == null) {
                    return -Errno.ENOMEM;
                }
                changed.setFlags(sealed);
            }
            start = to;
        }
        return 0;
    }
}
