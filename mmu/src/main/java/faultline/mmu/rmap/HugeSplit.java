package faultline.mmu.rmap;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.file.IntervalNode;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PhysicalMemory;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.Pte;
import faultline.mmu.table.PtlGuard;

/**
 * Makes single pages of a transparent huge page that reclaim has found, so that each can be swapped out.
 *
 * <p>Only a huge page that one entry maps and nobody else refers to. One that fork has shared stays whole until a write
 * splits it or a side exits, as do pages of a huge page that are mapped one by one while others refer to the whole.
 */
public final class HugeSplit {
    private final PageTables tables;
    private final PhysicalMemory phys;
    private final FrameTable frames;
    private final PtlGuard guard = new PtlGuard();

    /** Splits in {@code tables}' memory. Not thread-safe. */
    public HugeSplit(PageTables tables) {
        this.tables = tables;
        this.phys = tables.memory();
        this.frames = phys.frames();
    }

    /**
     * Splits a huge page that was not used since it was last looked at.
     *
     * @param head its first frame, locked by the caller, who has one reference
     * @return whether it is single pages now, the caller's reference and lock being the first one's
     */
    @KernelFunction(value = "split_folio_to_list", file = "mm/huge_memory.c")
    @RequiresLock("PAGE_LOCK")
    public boolean split(long head) {
        if (!(frames.mapping(head) instanceof AnonVma family)
                || frames.refcount(head) != 2
                || frames.mapcount(head) != 1) {
            return false;
        }
        long index = frames.index(head);
        family.lock().lock();
        try {
            IntervalNode node = family.areas().firstOverlap(index, index);
            while (node != null) {
                Vma area = (Vma) node.area();
                if (isMappedBy(area, head, index)) {
                    return splitIn(area, head);
                }
                node = family.areas().nextOverlap(node, index, index);
            }
            return false;
        } finally {
            family.lock().unlock();
        }
    }

    /** Whether the area's entry maps it; its lock is held then. */
    private boolean isMappedBy(Vma area, long head, long index) {
        long address = area.start() + (index - area.pgoff() << Page.SHIFT);
        if (address < area.start() || address >= area.end() || Page.offsetInPmd(address) != 0) {
            return false;
        }
        long pmdEntry = tables.walkToPmd(area.mm().pgd(), address);
        if (pmdEntry < 0 || !tables.huge().lock(area.mm(), pmdEntry, guard)) {
            return false;
        }
        if (Pte.pfn(phys.getLong(pmdEntry)) == head) {
            return true;
        }
        guard.close();
        return false;
    }

    @RequiresLock("PAGE_TABLE_LOCK")
    private boolean splitIn(Vma area, long head) {
        long pmdEntry = guard.pte();
        // With the lock held nobody can map it once more or find it there to take a reference.
        boolean splits = !area.has(VmFlags.LOCKED)
                && !tables.ptepTestAndClearYoung(pmdEntry)
                && frames.refcount(head) == 2
                && frames.mapcount(head) == 1;
        if (splits) {
            tables.huge().splitLocked(pmdEntry, 1);
        }
        guard.close();
        return splits;
    }
}
