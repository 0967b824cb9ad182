package faultline.emulator.syscall.futex;

import java.util.ArrayList;
import java.util.List;

/** One hash bucket: the waiters of some futexes, first come first served. Its monitor guards it. */
final class FutexBucket {
    final int index;
    final List<FutexWaiter> waiters = new ArrayList<>(2);

    FutexBucket(int index) {
        this.index = index;
    }

    /** Caller holds the monitor. */
    void add(FutexWaiter waiter) {
        waiters.add(waiter);
        waiter.bucket = this;
    }
}
