package faultline.mmu.mm;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;

/** Growth of a stack mapping towards lower addresses when the program touches the page below it. */
public final class StackGrowth {
    private StackGrowth() {}

    /**
     * Makes {@code vma} reach down to the page of {@code address}, within RLIMIT_STACK, RLIMIT_AS and the guard gap.
     *
     * <p>The caller has given the mapping an anon_vma before (a grown stack gets a page at once) and, where that tree
     * is keyed by page offset, holds its lock: the offset moves with the start, so that page indexes of present pages
     * stay.
     *
     * @return 0; -EFAULT when it is no mapping that grows; -ENOMEM when a limit or a neighbour forbids it; -EPERM below
     *     vm.mmap_min_addr
     */
    @KernelFunction(value = "expand_downwards", file = "mm/vma.c")
    @RequiresLock("MMAP_LOCK")
    public static int expandDownwards(Vma vma, long address) {
        if (!vma.has(VmFlags.GROWSDOWN)) {
            return -Errno.EFAULT;
        }
        MmStruct mm = vma.mm();
        long start = address & MmLayout.PAGE_MASK;
        if (start < mm.sysctl().mmapMinAddr) {
            return -Errno.EPERM;
        }
        Vma below = vma.prev();
        if (below != null
                && !below.has(VmFlags.GROWSDOWN)
                && below.isAccessible()
                && start - below.end() < mm.sysctl().stackGuardGap) {
            return -Errno.ENOMEM;
        }
        if (start >= vma.start()) {
            return 0;
        }
        if (below != null && below.end() > start) {
            return -Errno.ENOMEM;
        }
        long grow = vma.start() - start >>> MmLayout.PAGE_SHIFT;
        if (grow > vma.pgoff()) {
            return -Errno.ENOMEM;
        }
        int error = account(mm, vma, vma.end() - start, grow);
        if (error != 0) {
            return error;
        }
        if (vma.has(VmFlags.LOCKED)) {
            mm.addLockedVm(grow);
        }
        mm.account(vma.flags(), grow);
        mm.vmas().setBounds(vma, start, vma.end(), vma.pgoff() - grow);
        return 0;
    }

    @KernelFunction(value = "acct_stack_growth", file = "mm/vma.c")
    private static int account(MmStruct mm, Vma vma, long size, long grow) {
        if (!mm.mayExpand(vma.flags(), grow)) {
            return -Errno.ENOMEM;
        }
        if (Long.compareUnsigned(size, mm.limits().stack()) > 0) {
            return -Errno.ENOMEM;
        }
        if (!mm.mlockFutureOk(vma.flags(), grow << MmLayout.PAGE_SHIFT)) {
            return -Errno.ENOMEM;
        }
        return mm.commit().charge(grow);
    }
}
