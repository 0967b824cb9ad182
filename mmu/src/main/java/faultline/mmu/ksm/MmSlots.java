package faultline.mmu.ksm;

import faultline.mmu.mm.MmStruct;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * The address spaces to be scanned, in the order in which they came. Any thread may ask; one address space is entered
 * with its mmap lock held for writing and removed with it held.
 */
final class MmSlots {
    private final Map<MmStruct, MmSlot> byMm = new ConcurrentHashMap<>();
    private final List<MmSlot> inOrder = new CopyOnWriteArrayList<>();

    boolean isEmpty() {
        return inOrder.isEmpty();
    }

    /** All that there are now. */
    Iterable<MmSlot> all() {
        return inOrder;
    }

    /** That of an address space; null for none. */
    MmSlot of(MmStruct mm) {
        return byMm.get(mm);
    }

    MmSlot enter(MmStruct mm) {
        return byMm.computeIfAbsent(mm, space -> {
            MmSlot made = new MmSlot(space);
            inOrder.add(made);
            return made;
        });
    }

    void remove(MmSlot slot) {
        inOrder.remove(slot);
        byMm.remove(slot.mm);
    }

    /** -1 when it has been removed. */
    int numberOf(MmSlot slot) {
        return inOrder.indexOf(slot);
    }

    /** Null when there are not as many. */
    MmSlot at(int number) {
        MmSlot[] now = inOrder.toArray(MmSlot[]::new);
        return number < now.length ? now[number] : null;
    }
}
