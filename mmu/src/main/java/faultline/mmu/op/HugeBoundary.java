package faultline.mmu.op;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.Vma;
import faultline.mmu.table.HugePmd;

/** A huge page lies in one mapping: where a mapping is about to end inside one, it becomes small pages. */
final class HugeBoundary {
    private HugeBoundary() {}

    /** Called before {@code at} becomes a bound of {@code vma}, outside of reverse-map locks. */
    @KernelFunction(value = "vma_adjust_trans_huge", file = "mm/huge_memory.c")
    @RequiresLock("MMAP_LOCK")
    static void splitAt(Vma vma, long at) {
        HugePmd huge = vma.mm().hugePmd();
        if (vma.anonVma() != null && (at & MmLayout.PMD_SIZE - 1) != 0 && huge != null && vma.isAnonymous()) {
            huge.splitAt(vma.mm(), at);
        }
    }
}
