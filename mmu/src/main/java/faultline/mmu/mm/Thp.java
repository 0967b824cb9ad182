package faultline.mmu.mm;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;

/** Whether a mapping may have transparent huge pages, and where. */
public final class Thp {
    /** Value of {@link MmStruct#thpDisabled()}: the machine's mode alone decides. */
    public static final int ENABLED = 0;
    /** No huge pages at all (prctl PR_SET_THP_DISABLE). */
    public static final int DISABLED = 1;
    /** None but where MADV_HUGEPAGE asks (PR_SET_THP_DISABLE with PR_THP_DISABLE_EXCEPT_ADVISED, Linux 6.18). */
    public static final int EXCEPT_ADVISED = 3;

    private Thp() {}

    /** Whether a fault may map huge pages in {@code vma}, the place apart. */
    @KernelFunction(value = "thp_vma_allowable_order", file = "mm/huge_memory.c")
    @RequiresLock("MMAP_LOCK:read")
    public static boolean isAllowed(Vma vma) {
        ThpMode mode = vma.mm().sysctl().thp;
        boolean advised = vma.has(VmFlags.HUGEPAGE);
        if (mode == ThpMode.NEVER || !advised && mode == ThpMode.MADVISE) {
            return false;
        }
        return isPossible(vma) && (advised || vma.mm().thpDisabled() == ENABLED);
    }

    /** As {@link #isAllowed} whatever the machine's mode: MADV_COLLAPSE overrides that one. */
    @RequiresLock("MMAP_LOCK:read")
    public static boolean isPossible(Vma vma) {
        long refused = VmFlags.NOHUGEPAGE
                | VmFlags.SHARED
                | VmFlags.IO
                | VmFlags.PFNMAP
                | VmFlags.MIXEDMAP
                | VmFlags.HUGETLB
                | VmFlags.UFFD_MISSING
                | VmFlags.UFFD_WP
                | VmFlags.UFFD_MINOR;
        return vma.isAnonymous()
                && !vma.hasAny(refused)
                && !vma.has(VmFlags.STACK_INCOMPLETE_SETUP)
                && vma.mm().thpDisabled() != DISABLED;
    }

    /** Whether all of the 2 MiB around an address lie in the mapping. */
    @KernelFunction(value = "thp_vma_suitable_order", file = "include/linux/huge_mm.h")
    public static boolean isSuitable(Vma vma, long address) {
        long start = address & -MmLayout.PMD_SIZE;
        return start >= vma.start() && start + MmLayout.PMD_SIZE <= vma.end();
    }
}
