package faultline.emulator.syscall.futex;

import faultline.emulator.task.Task;

/** A task that waits on a futex (struct futex_q). */
final class FutexWaiter {
    final Task task;
    final int bitset;
    /** Position among several futexes that one call waits for (futex_waitv). */
    final int index;

    /** Where it waits; changed by requeue, guarded by the bucket it is in. */
    volatile FutexBucket bucket;

    FutexKey key;
    volatile boolean woken;

    FutexWaiter(Task task, FutexKey key, int bitset, int index) {
        this.task = task;
        this.key = key;
        this.bitset = bitset;
        this.index = index;
    }
}
