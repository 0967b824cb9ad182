package faultline.mmu.fault;

import java.util.concurrent.atomic.AtomicLongArray;

/** How many faults of a machine ended on each rung of the ladder; any number of tasks count at once. */
public final class FaultCounts {
    private final AtomicLongArray counts = new AtomicLongArray(FaultPath.values().length);

    FaultCounts() {}

    void add(FaultPath path) {
        counts.getAndIncrement(path.ordinal());
    }

    /** Faults resolved this way since the machine started. */
    public long count(FaultPath path) {
        return counts.get(path.ordinal());
    }
}
