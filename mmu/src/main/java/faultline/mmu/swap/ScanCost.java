package faultline.mmu.swap;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.phys.LruVec;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What looking at anonymous memory, and at files, has cost of late without freeing anything. Old costs fade: when they
 * have grown to a quarter of what is on the lists, both are halved.
 */
final class ScanCost {
    private final LruVec lru;
    private final AtomicLong anon = new AtomicLong();
    private final AtomicLong file = new AtomicLong();

    ScanCost(LruVec lru) {
        this.lru = lru;
    }

    /** {@code kept} pages of a kind were looked at in vain. */
    @KernelFunction(value = "lru_note_cost", file = "mm/swap.c")
    void note(boolean ofAnon, int kept) {
        long sum = (ofAnon ? anon : file).addAndGet(kept) + (ofAnon ? file : anon).get();
        long size = 0;
        for (int list = 0; list < LruVec.UNEVICTABLE; list++) {
            size += lru.size(list);
        }
        if (sum > size / 4) {
            anon.updateAndGet(cost -> cost / 2);
            file.updateAndGet(cost -> cost / 2);
        }
    }

    /** The part of a pass that anonymous memory gets, 0 to 1. @param swappiness 0 to 200 */
    double anonShare(int swappiness) {
        double anonCost = anon.get();
        double fileCost = file.get();
        double total = anonCost + fileCost;
        // Neither kind is ever left alone altogether.
        double anonPart = swappiness * (total + 1) / (total + anonCost + 1);
        double filePart = (200 - swappiness) * (total + 1) / (total + fileCost + 1);
        return anonPart / (anonPart + filePart);
    }
}
