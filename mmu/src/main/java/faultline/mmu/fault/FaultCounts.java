package faultline.mmu.fault;

import java.util.concurrent.atomic.LongAdder;

/** How many faults of a machine ended on each rung of the ladder; any number of tasks count at once. */
public final class FaultCounts {
    private final LongAdder[] counts = new LongAdder[FaultPath.values().length];

    FaultCounts() {
        for (int i = 0; i < counts.length; i++) {
            counts[i] = new LongAdder();
        }
    }

    void add(FaultPath path) {
        counts[path.ordinal()].increment();
    }

    /** Faults resolved this way since the machine started. */
    public long count(FaultPath path) {
        return counts[path.ordinal()].sum();
    }
}
