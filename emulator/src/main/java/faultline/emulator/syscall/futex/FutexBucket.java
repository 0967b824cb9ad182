package faultline.emulator.syscall.futex;

import java.util.ArrayList;
import java.util.List;

/**
 * One hash bucket: the waiters of some futexes, those of higher real-time priority first, equals in the order in which
 * they came. Its monitor guards it.
 */
final class FutexBucket {
    final int index;
    final List<FutexWaiter> waiters = new ArrayList<>(2);

    FutexBucket(int index) {
        this.index = index;
    }

    /** Caller holds the monitor. */
    void add(FutexWaiter waiter) {
        int at = waiters.size();
        while (at > 0 && waiters.get(at - 1).priority < waiter.priority) {
            at--;
        }
        waiters.add(at, waiter);
        waiter.bucket = this;
    }

    /** Caller holds the monitor. */
    void remove(FutexWaiter waiter) {
        waiters.remove(waiter);
        waiter.bucket = null;
    }

    /** The waiter of a futex that is first to be served; null when nobody waits. Caller holds the monitor. */
    FutexWaiter top(FutexKey key) {
        for (FutexWaiter waiter : waiters) {
            if (waiter.key.equals(key)) {
                return waiter;
            }
        }
        return null;
    }
}
