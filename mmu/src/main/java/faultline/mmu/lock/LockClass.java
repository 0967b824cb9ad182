package faultline.mmu.lock;

import faultline.mmu.annotation.KernelFunction;
import java.util.concurrent.atomic.LongAdder;

/**
 * What all locks of one kind share: a name, a place in the lock order, and counts of waiting.
 *
 * <p>A checker reasons about classes, not about single locks: what holds between two page-table locks holds between all
 * of them.
 */
public final class LockClass {
    private final String name;
    private final LockRank rank;
    private final LongAdder contentions = new LongAdder();
    private final LongAdder waitNanos = new LongAdder();

    /**
     * @param name how reports call locks of this class, for instance {@code "pte"}
     * @param rank place in the lock order
     */
    public LockClass(String name, LockRank rank) {
        this.name = name;
        this.rank = rank;
    }

    /** What reports call locks of this class. */
    public String name() {
        return name;
    }

    /** Where the class stands in the order of locks. */
    public LockRank rank() {
        return rank;
    }

    /** How often a task found a lock of this class taken and had to wait. */
    public long contentions() {
        return contentions.sum();
    }

    /** Nanoseconds that tasks waited for locks of this class, all together. */
    public long waitNanos() {
        return waitNanos.sum();
    }

    @KernelFunction("lock_contended")
    void contended(long nanos) {
        contentions.increment();
        waitNanos.add(nanos);
    }

    @Override
    public String toString() {
        return name + " (" + rank + ")";
    }
}
