package faultline.mmu.ksm;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.Page;

/**
 * Goes round all address spaces that have mergeable mappings, page by page, and makes equal pages one.
 *
 * <p>A page is compared with shared ones first, and then, if it has not changed since the last pass, with others that
 * have not. Two equal ones make a shared one: the first becomes it, the second is replaced by it.
 *
 * <p>All under the KSM lock.
 */
final class KsmScan {
    private final KsmPages pages;
    private final KsmTrees trees;
    private final KsmMerge merge;
    private final KsmKnobs knobs;
    private final MmSlots slots;

    /** Where the pass is; null between two passes. */
    private MmSlot slot;

    private long address;
    private volatile long fullScans;
    private volatile long scanned;
    private volatile long skipped;

    KsmScan(KsmPages pages, KsmTrees trees, KsmMerge merge, KsmKnobs knobs, MmSlots slots) {
        this.pages = pages;
        this.trees = trees;
        this.merge = merge;
        this.knobs = knobs;
        this.slots = slots;
    }

    /** Passes that have come to their end. */
    long fullScans() {
        return fullScans;
    }

    /** Pages looked at. */
    long scanned() {
        return scanned;
    }

    /** Looks left out by smart scan. */
    long skipped() {
        return skipped;
    }

    /** Whether the pass is in this address space. */
    boolean isIn(MmSlot other) {
        return slot == other;
    }

    /** Looks at some pages, to the end of the pass at most. */
    @KernelFunction(value = "ksm_do_scan", file = "mm/ksm.c")
    @RequiresLock("KSM_LOCK")
    void run(long most) {
        long left = most;
        while (left > 0 && step()) {
            left--;
        }
        scanned += most - left;
    }

    /** Begins anew with the first address space. */
    @RequiresLock("KSM_LOCK")
    void restart() {
        slot = null;
    }

    /** @return false when the pass is at its end, or cannot go on now */
    @KernelFunction(value = "scan_get_next_rmap_item", file = "mm/ksm.c")
    private boolean step() {
        if (slot == null && !enter(0)) {
            return false;
        }
        while (true) {
            MmStruct mm = slot.mm;
            if (!mm.mmapLock().tryReadLock()) {
                return false;
            }
            RmapItem item = null;
            boolean candidate = false;
            try {
                long pfn = mm.isRetired() ? -1 : findPage(mm);
                if (pfn >= 0) {
                    item = slot.next(address, trees);
                    address += Page.SIZE;
                    candidate = look(item, pfn);
                    merge.put(pfn);
                } else {
                    leave();
                }
            } finally {
                mm.mmapLock().readUnlock();
            }
            if (candidate) {
                merge(item);
            }
            if (item != null || slot == null) {
                return item != null;
            }
        }
    }

    /** Turns to an address space. @return false when there is none of that number */
    private boolean enter(int number) {
        slot = slots.at(number);
        address = 0;
        if (slot != null) {
            slot.rewind();
        }
        return slot != null;
    }

    /** The next anonymous page from {@link #address} on, which becomes its address, with a reference; -1 for none. */
    private long findPage(MmStruct mm) {
        for (Vma area = mm.vmas().find(address); area != null; area = area.next()) {
            if (KsmMerge.isMergeable(area)) {
                address = Math.max(address, area.start());
                while (address < area.end()) {
                    long pfn = merge.find(area, address);
                    if (pfn >= 0) {
                        return pfn;
                    }
                    address = merge.behind(mm, address);
                }
            }
        }
        return -1;
    }

    /**
     * Turns to the next address space. One with nothing left to scan is forgotten: while its mmap lock is held, so that
     * nobody makes something mergeable in it at the same time.
     */
    private void leave() {
        slot.dropRest(trees);
        int number = slots.numberOf(slot);
        boolean ends = slot.mm.isRetired() || !slot.mergeAny && !hasMergeable(slot.mm);
        // Exit may have removed it just as we came: then the pass begins anew.
        if (ends && number >= 0) {
            slots.remove(slot);
            number--;
        }
        if (!enter(number + 1)) {
            fullScans++;
            trees.nextPass();
        }
    }

    /** Whether a mapping is to be scanned, or will be when it has pages. */
    @RequiresLock("MMAP_LOCK:read")
    static boolean hasMergeable(MmStruct mm) {
        for (Vma area = mm.vmas().first(); area != null; area = area.next()) {
            if (area.has(VmFlags.MERGEABLE)) {
                return true;
            }
        }
        return false;
    }

    /**
     * Looks at a page.
     *
     * @param pfn with a reference of the caller's
     * @return whether it is to be compared with others: it is not shared, and has not changed since the last pass
     */
    @KernelFunction(value = "cmp_and_merge_page", file = "mm/ksm.c")
    private boolean look(RmapItem item, long pfn) {
        StableNode own = pages.nodeOf(pfn);
        if (own != null && own == item.stable) {
            return false;
        }
        trees.remove(item);
        if (own != null) {
            join(item, own);
            return false;
        }
        if (knobs.smartScan() && item.skips()) {
            skipped++;
            return false;
        }
        long checksum = pages.checksum(pfn);
        boolean changed = checksum != item.checksum;
        item.checksum = checksum;
        return !changed;
    }

    /**
     * The item's page is this shared one. If fork brought it here nobody asked whether it may be shared that often; nor
     * is it found by content any more when the item that it was shared by is gone.
     */
    private void join(RmapItem item, StableNode node) {
        if (!node.inTree) {
            trees.insert(node);
        }
        trees.append(item, node);
    }

    private void merge(RmapItem item) {
        StableNode shared = trees.search(item.checksum, knobs.maxPageSharing());
        if (shared == null) {
            mergeUnstable(item);
            return;
        }
        if (merge.share(item, shared) == shared) {
            join(item, shared);
        }
        merge.put(shared.pfn);
    }

    /** Two equal pages make a shared one; if the second has changed the first is its place's own again. */
    @KernelFunction(value = "try_to_merge_two_pages", file = "mm/ksm.c")
    private void mergeUnstable(RmapItem item) {
        RmapItem other = trees.searchUnstable(item);
        StableNode made = other == null ? null : merge.share(item, null);
        long frame = made == null ? StableNode.DEAD : pages.get(made);
        if (frame < 0) {
            return;
        }
        if (merge.share(other, made) == made) {
            trees.remove(other);
            join(other, made);
            join(item, made);
        } else {
            merge.breakCow(item);
        }
        merge.put(frame);
    }
}
