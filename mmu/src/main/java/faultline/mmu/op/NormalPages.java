package faultline.mmu.op;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.Pte;

/** Whether a range has pages of its own: the zero page, devices' memory and what is swapped out do not count. */
@KernelFunction(value = "vm_normal_folio", file = "mm/memory.c")
final class NormalPages extends PageTableWalk {
    private final FrameTable frames;
    private boolean found;

    private NormalPages(PageTables tables) {
        super(tables);
        frames = tables.memory().frames();
    }

    /** Whether there is any in [{@code start}, {@code end}), a part of {@code vma}. */
    @RequiresLock("MMAP_LOCK:read")
    static boolean any(PageTables tables, Vma vma, long start, long end) {
        NormalPages walk = new NormalPages(tables);
        walk.walk(vma.mm(), start, end);
        return walk.found;
    }

    @Override
    protected void table(long pte, long addr, long end) {
        long at = pte;
        for (long a = addr; a < end && !found; a += MmLayout.PAGE_SIZE, at += 8) {
            look(phys.getLong(at));
        }
    }

    @Override
    protected void huge(long pmdEntry, long addr, long end) {
        look(phys.getLongAcquire(pmdEntry));
    }

    private void look(long entry) {
        found |= Pte.isPresent(entry)
                && !Pte.isSpecial(entry)
                && frames.isValid(Pte.pfn(entry))
                && (frames.flags(Pte.pfn(entry)) & PageFlags.RESERVED) == 0;
    }
}
