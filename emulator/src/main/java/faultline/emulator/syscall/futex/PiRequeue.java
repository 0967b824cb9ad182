package faultline.emulator.syscall.futex;

import faultline.emulator.syscall.Restart;
import faultline.emulator.task.Task;
import faultline.emulator.task.TaskMemory;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/**
 * A condition variable's futex and its priority-inheriting lock: waiters of the one are moved to the other, and wake
 * with the lock (FUTEX_WAIT_REQUEUE_PI, FUTEX_CMP_REQUEUE_PI).
 */
final class PiRequeue {
    private final FutexTable table;
    private final PiLocks locks;

    PiRequeue(FutexTable table, PiLocks locks) {
        this.table = table;
        this.locks = locks;
    }

    /** Waits at {@code address} to be given the lock at {@code lock}. */
    @KernelFunction(value = "futex_wait_requeue_pi", file = "kernel/futex/requeue.c")
    long await(Task task, long address, boolean shared, int value, int clock, long deadline, long lock) {
        if (address == lock) {
            return -Errno.EINVAL;
        }
        locks.chains().begin();
        try {
            FutexKey target = FutexKeys.of(task, lock, shared, true);
            FutexKey key = FutexKeys.of(task, address, shared, false);
            FutexWaiter waiter = FutexWaiter.toBeMoved(task, key, target);
            if (!table.queueIfEqual(waiter, address, value)) {
                return -Errno.EAGAIN;
            }
            if (key.equals(target)) {
                table.dequeue(waiter);
                return -Errno.EINVAL;
            }
            long result = table.sleep(task, waiter, clock, deadline);
            if (result == 0) {
                locks.takeOver(task, waiter, lock);
                return 0;
            }
            boolean moved = waiter.lock != null;
            locks.chains().leave(task);
            if (result != -Restart.ERESTARTSYS) {
                return result;
            }
            // once moved it cannot be begun again: the word has another value by now
            return moved ? -Errno.EAGAIN : -Restart.ERESTARTNOINTR;
        } finally {
            locks.chains().end();
        }
    }

    /**
     * Gives the lock to the first waiter, or has it wait for it, and moves more.
     *
     * @param most how many to move besides the first
     * @return how many have the lock or wait for it now
     */
    @KernelFunction(value = "futex_requeue", file = "kernel/futex/requeue.c")
    long move(Task task, long address, long lock, boolean shared, int most, int compare) {
        if (address == lock) {
            return -Errno.EINVAL;
        }
        locks.chains().begin();
        try {
            while (true) {
                FutexKey from = FutexKeys.of(task, address, shared, false);
                FutexKey to = FutexKeys.of(task, lock, shared, true);
                if (from.equals(to)) {
                    return -Errno.EINVAL;
                }
                FutexBucket source = table.bucket(from);
                FutexBucket target = table.bucket(to);
                PiAttempt attempt = new PiAttempt(task, target, to, lock);
                int result;
                synchronized (FutexTable.low(source, target)) {
                    synchronized (FutexTable.high(source, target)) {
                        long word = FutexWord.get(task, address);
                        if (word != TaskMemory.ABSENT && (int) word != compare) {
                            return -Errno.EAGAIN;
                        }
                        FutexWaiter top = source.top(from);
                        if (word != TaskMemory.ABSENT && top == null) {
                            return 0;
                        }
                        if (top != null && (top.requeueTarget == null || !top.requeueTarget.equals(to))) {
                            return -Errno.EINVAL;
                        }
                        result = word == TaskMemory.ABSENT ? -Errno.EFAULT : attempt.run(top.task, most != 0);
                        if (result >= 0) {
                            int first = result == PiAttempt.TAKEN ? take(source, top, attempt) : 0;
                            int moved = moveLocked(source, from, target, to, attempt.state, most + 1 - first);
                            return moved < 0 ? moved : first + moved;
                        }
                    }
                }
                task.user().getInt(address);
                if (!locks.mayTryAgain(task, attempt, result, lock)) {
                    return result;
                }
            }
        } finally {
            locks.chains().end();
        }
    }

    /** The lock was free: the first waiter has it. */
    @KernelFunction(value = "requeue_pi_wake_futex", file = "kernel/futex/requeue.c")
    private static int take(FutexBucket source, FutexWaiter top, PiAttempt attempt) {
        attempt.state = new PiState(top.task);
        source.remove(top);
        top.lock = attempt.state;
        top.wake();
        return 1;
    }

    /** Returns how many were moved; stops with an error at one who did not ask for it, or would wait for itself. */
    private int moveLocked(
            FutexBucket source, FutexKey from, FutexBucket target, FutexKey to, PiState state, int most) {
        int moved = 0;
        while (moved < most) {
            FutexWaiter waiter = source.top(from);
            if (waiter == null) {
                break;
            }
            if (!to.equals(waiter.requeueTarget)) {
                return -Errno.EINVAL;
            }
            if (!locks.chains().enter(waiter.task, state)) {
                return -Errno.EDEADLK;
            }
            source.remove(waiter);
            waiter.key = to;
            waiter.lock = state;
            target.add(waiter);
            moved++;
        }
        return moved;
    }
}
