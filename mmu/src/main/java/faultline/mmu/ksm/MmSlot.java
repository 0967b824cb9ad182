package faultline.mmu.ksm;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.mm.MmStruct;

/** One address space that has, or had, areas to be scanned. */
@KernelFunction("struct ksm_mm_slot")
final class MmSlot {
    final MmStruct mm;

    // Read without a lock for display.
    volatile long itemCount;
    volatile long merging;
    /** All fit areas, those to come too, are to be scanned (PR_SET_MEMORY_MERGE). */
    volatile boolean mergeAny;

    /** Stands before the first; all items by address. Guarded by the KSM lock, as is the cursor. */
    private final RmapItem head = new RmapItem(this, -1);

    private RmapItem cursor = head;

    MmSlot(MmStruct mm) {
        this.mm = mm;
    }

    boolean isEmpty() {
        return itemCount == 0;
    }

    /** A pass over the address space begins. */
    void rewind() {
        cursor = head;
    }

    /**
     * The item of the next address of a pass, made when there is none. Items in between, whose pages are gone, go.
     *
     * @param trees what an item that goes is taken out of
     */
    @KernelFunction(value = "get_next_rmap_item", file = "mm/ksm.c")
    RmapItem next(long address, KsmTrees trees) {
        RmapItem found = cursor.next;
        while (found != null && found.address < address) {
            drop(found, trees);
            found = cursor.next;
        }
        if (found == null || found.address != address) {
            RmapItem made = new RmapItem(this, address);
            made.next = found;
            cursor.next = made;
            itemCount++;
            trees.countItems(1);
            found = made;
        }
        cursor = found;
        return found;
    }

    /** The pass has come to the end of the address space: items behind the last page go. */
    @KernelFunction(value = "remove_trailing_rmap_items", file = "mm/ksm.c")
    void dropRest(KsmTrees trees) {
        while (cursor.next != null) {
            drop(cursor.next, trees);
        }
    }

    private void drop(RmapItem item, KsmTrees trees) {
        trees.remove(item);
        cursor.next = item.next;
        itemCount--;
        trees.countItems(-1);
    }
}
