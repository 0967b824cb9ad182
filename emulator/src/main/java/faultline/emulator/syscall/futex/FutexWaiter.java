package faultline.emulator.syscall.futex;

import faultline.emulator.task.Task;

/** A task that waits on a futex (struct futex_q). Not final fields are guarded by the bucket it is in. */
final class FutexWaiter {
    final Task task;
    final int bitset;
    /** Position among several futexes that one call waits for (futex_waitv). */
    final int index;
    /** Real-time priority when it began to wait: 1 to 99, 0 for all others. */
    final int priority;

    /** The lock that a requeue is to pass it on to (FUTEX_WAIT_REQUEUE_PI); null for all others. */
    final FutexKey requeueTarget;

    /** Where it waits; changed by requeue. */
    volatile FutexBucket bucket;

    FutexKey key;
    volatile boolean woken;
    /** The lock that it waits for; null where the futex is no lock. */
    volatile PiState lock;

    FutexWaiter(Task task, FutexKey key, int bitset, int index) {
        this(task, key, bitset, index, null);
    }

    private FutexWaiter(Task task, FutexKey key, int bitset, int index, FutexKey requeueTarget) {
        this.task = task;
        this.key = key;
        this.bitset = bitset;
        this.index = index;
        this.requeueTarget = requeueTarget;
        this.priority = task.scheduling().realTimePriority();
    }

    /** One that waits on {@code key} to be moved to the lock {@code target}. */
    static FutexWaiter toBeMoved(Task task, FutexKey key, FutexKey target) {
        return new FutexWaiter(task, key, FutexTable.MATCH_ANY, 0, target);
    }

    /** Whether only the calls of priority-inheriting futexes may touch it. */
    boolean isPi() {
        return lock != null || requeueTarget != null;
    }

    /** Ends its wait; the caller has taken it out of its bucket, whose monitor it holds. */
    void wake() {
        woken = true;
        task.wake();
    }
}
