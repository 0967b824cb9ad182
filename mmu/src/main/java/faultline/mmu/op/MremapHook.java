package faultline.mmu.op;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.mm.Vma;
import faultline.mmu.rmap.AnonVma;
import faultline.mmu.table.HugePmd;
import faultline.mmu.table.MoveHook;

/**
 * Locks those out that find the two mappings of a move through their object: truncation and write-back by the file,
 * reclaim by the anonymous family.
 */
@KernelFunction(value = "take_rmap_locks", file = "mm/mremap.c")
final class MremapHook implements MoveHook {
    private final HugePmd huge;
    private final Vma from;
    private final Vma to;
    private final AddressSpace mapping;
    private final AnonVma family;

    MremapHook(HugePmd huge, Vma from, Vma to) {
        this.huge = huge;
        this.from = from;
        this.to = to;
        this.mapping = from.file() == null ? null : from.file().mapping();
        this.family = (AnonVma) from.anonVma();
    }

    @Override
    public void lock() {
        if (mapping != null) {
            mapping.areas().lock().lock();
            int cleared = to.sharedNode().truncateCount();
            if (cleared != 0 && cleared != from.sharedNode().truncateCount()) {
                // A truncation under way has done the destination: it must come again, for what we bring there (seed
                // 003).
                to.sharedNode().setTruncateCount(0);
            }
        }
        if (family != null) {
            family.lock().lock();
        }
    }

    @Override
    public void unlock() {
        if (family != null) {
            family.lock().unlock();
        }
        if (mapping != null) {
            mapping.areas().lock().unlock();
        }
    }

    /** Cannot fail: the table for the small pages is there already. */
    @Override
    public boolean splitHugePmd(long pmdEntry, long address) {
        huge.split(from.mm(), pmdEntry);
        return true;
    }
}
