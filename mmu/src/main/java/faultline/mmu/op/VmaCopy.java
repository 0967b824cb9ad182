package faultline.mmu.op;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.Vma;

/** The destination of a move: a copy of a mapping at another address, merged with what is there where it fits. */
final class VmaCopy {
    private VmaCopy() {}

    /**
     * Makes the mapping of [{@code addr}, {@code addr + len}), which is free, from {@code source}.
     *
     * @param sourceAddr the address in {@code source} whose page the copy begins with
     * @return the mapping that holds the range; null when there is no memory. It is {@code source} itself when source,
     *     never touched, could be merged with it
     */
    @KernelFunction(value = "copy_vma", file = "mm/vma.c")
    @RequiresLock("MMAP_LOCK")
    static Vma copy(Vma source, long sourceAddr, long addr, long len) {
        MmStruct mm = source.mm();
        // Pages that exist name their place by their offset; where none exists yet, the offset follows the address.
        boolean untouched = source.isAnonymous() && source.anonVma() == null;
        long pgoff = untouched ? addr >>> MmLayout.PAGE_SHIFT : source.pageIndex(sourceAddr);
        Vma merged = VmaMerge.forCopyOf(source, addr, addr + len, pgoff).newRange();
        if (merged != null) {
            return merged;
        }
        Vma copy = VmaSplit.duplicate(source, mm, addr, addr + len, pgoff);
        if (copy == null) {
            return null;
        }
        copy.shareAnonVma(source);
        VmaFile.get(copy);
        mm.vmas().insert(copy);
        VmaRelink.link(copy);
        return copy;
    }
}
