package faultline.emulator.syscall.futex;

import faultline.emulator.syscall.Restart;
import faultline.emulator.task.FutexExit;
import faultline.emulator.task.Task;
import faultline.emulator.task.TaskMemory;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/**
 * Locks whose word holds the owner's id (FUTEX_LOCK_PI and its relatives).
 *
 * <p>They hand over: an unlock writes the next owner's id, and nobody can come between. Waiters are served by real-time
 * priority, then in the order in which they came. An owner does not run with its waiters' priority, since turns on the
 * virtual CPU do not depend on priorities at all.
 *
 * <p>An owner that ends passes its locks on ({@link #ownerDies}); who begins to wait at that moment either is found by
 * it, or sees that the owner is ending ({@link FutexExit}) and tries again when it has.
 */
final class PiLocks {
    /** How long to wait before the next look at an owner that is about to end, in nanoseconds. */
    private static final long LOOK_AGAIN = 20_000;

    private final FutexTable table;
    private final PiChains chains = new PiChains();

    PiLocks(FutexTable table) {
        this.table = table;
    }

    PiChains chains() {
        return chains;
    }

    /**
     * FUTEX_LOCK_PI, FUTEX_LOCK_PI2 and FUTEX_TRYLOCK_PI.
     *
     * @param tries whether to give up with EAGAIN instead of waiting
     */
    @KernelFunction(value = "futex_lock_pi", file = "kernel/futex/pi.c")
    long lock(Task task, long address, boolean shared, int clock, long deadline, boolean tries) {
        chains.begin();
        try {
            while (true) {
                FutexKey key = FutexKeys.of(task, address, shared, true);
                FutexBucket bucket = table.bucket(key);
                FutexWaiter waiter = new FutexWaiter(task, key, FutexTable.MATCH_ANY, 0);
                PiAttempt attempt = new PiAttempt(task, bucket, key, address);
                int result;
                synchronized (bucket) {
                    result = attempt.run(task, false);
                    if (result == PiAttempt.MUST_WAIT && (tries || !chains.enter(task, attempt.state))) {
                        return tries ? -Errno.EAGAIN : -Errno.EDEADLK;
                    }
                    if (result == PiAttempt.MUST_WAIT) {
                        waiter.lock = attempt.state;
                        bucket.add(waiter);
                    }
                }
                if (result == PiAttempt.MUST_WAIT) {
                    return await(task, waiter, address, clock, deadline);
                }
                if (!mayTryAgain(task, attempt, result, address)) {
                    return result == PiAttempt.TAKEN ? 0 : result;
                }
            }
        } finally {
            chains.end();
        }
    }

    /** Sees to what an attempt has failed for. Returns false when another one would not help. */
    boolean mayTryAgain(Task task, PiAttempt attempt, int result, long address) {
        switch (result) {
            case -Errno.EFAULT -> FutexWord.faultIn(task, address);
            case -Errno.EBUSY -> awaitExit(task, attempt.exiting);
            case -Errno.EAGAIN -> Thread.onSpinWait();
            default -> {
                return false;
            }
        }
        return true;
    }

    @KernelFunction(value = "wait_for_owner_exiting", file = "kernel/futex/core.c")
    private static void awaitExit(Task task, Task owner) {
        while (owner.futexExit() == FutexExit.EXITING) {
            task.parkUninterruptibly(LOOK_AGAIN);
        }
    }

    private long await(Task task, FutexWaiter waiter, long address, int clock, long deadline) {
        long result = table.sleep(task, waiter, clock, deadline);
        if (result == 0) {
            takeOver(task, waiter, address);
            return 0;
        }
        chains.leave(task);
        return result == -Restart.ERESTARTSYS ? -Restart.ERESTARTNOINTR : result;
    }

    /** The lock was handed over. An unlock has written the word; after the owner's death it is the new owner's part. */
    @KernelFunction(value = "fixup_pi_owner", file = "kernel/futex/pi.c")
    void takeOver(Task task, FutexWaiter waiter, long address) {
        FutexBucket bucket = table.bucket(waiter.key);
        while (true) {
            synchronized (bucket) {
                if (waiter.lock.owner == task) {
                    return;
                }
                int mine = task.tid() | FutexWord.WAITERS | FutexWord.OWNER_DIED;
                if (FutexWord.update(task, address, old -> mine) != TaskMemory.ABSENT) {
                    waiter.lock.owner = task;
                    return;
                }
            }
            FutexWord.faultIn(task, address);
        }
    }

    /** FUTEX_UNLOCK_PI. */
    @KernelFunction(value = "futex_unlock_pi", file = "kernel/futex/pi.c")
    long unlock(Task task, long address, boolean shared) {
        while (true) {
            int value = task.user().getInt(address);
            if ((value & FutexWord.TID_MASK) != task.tid()) {
                return -Errno.EPERM;
            }
            if ((address & 3) != 0) {
                return -Errno.EINVAL;
            }
            FutexKey key = FutexKeys.of(task, address, shared, true);
            FutexBucket bucket = table.bucket(key);
            int result;
            boolean waited;
            synchronized (bucket) {
                FutexWaiter top = bucket.top(key);
                waited = top != null;
                result = waited
                        ? handOver(task, bucket, top, address, value)
                        : FutexWord.replace(task, address, value, 0);
            }
            if (result == -Errno.EFAULT) {
                FutexWord.faultIn(task, address);
            } else if (result != -Errno.EAGAIN || !waited) {
                return result;
            }
        }
    }

    @KernelFunction(value = "wake_futex_pi", file = "kernel/futex/pi.c")
    private int handOver(Task task, FutexBucket bucket, FutexWaiter top, long address, int value) {
        if (top.lock == null || top.lock.owner != task) {
            return -Errno.EINVAL;
        }
        int next = FutexWord.WAITERS | top.task.tid();
        long found = FutexWord.exchangeIf(task, address, value, next);
        if (found == TaskMemory.ABSENT) {
            return -Errno.EFAULT;
        }
        if ((int) found != value) {
            // a waiter has set its bit since we looked, or the program writes what it likes
            return (found & FutexWord.TID_MASK) == value ? -Errno.EAGAIN : -Errno.EINVAL;
        }
        pass(bucket, top, top.task);
        return 0;
    }

    /** Ends a wait: the lock is the waiter's. */
    private void pass(FutexBucket bucket, FutexWaiter waiter, Task owner) {
        bucket.remove(waiter);
        chains.leave(waiter.task);
        waiter.lock.owner = owner;
        waiter.wake();
    }

    /** Passes on all locks of a task that has said that it is {@link FutexExit#EXITING}. */
    @KernelFunction(value = "exit_pi_state_list", file = "kernel/futex/core.c")
    void ownerDies(Task task) {
        if (!chains.used()) {
            return;
        }
        for (FutexBucket bucket : table.buckets()) {
            synchronized (bucket) {
                for (int i = 0; i < bucket.waiters.size(); ) {
                    FutexWaiter waiter = bucket.waiters.get(i);
                    if (waiter.lock != null && waiter.lock.owner == task) {
                        pass(bucket, waiter, null);
                    } else {
                        i++;
                    }
                }
            }
        }
    }
}
