package faultline.emulator.syscall.futex;

import faultline.emulator.syscall.Restart;
import faultline.emulator.task.FutexExit;
import faultline.emulator.task.Sleeps;
import faultline.emulator.task.Task;
import faultline.emulator.task.TaskMemory;
import faultline.emulator.task.UserFault;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.util.Iterator;

/**
 * All futexes of a machine.
 *
 * <p>No wake-up is lost: a waiter compares the word and queues itself inside the bucket's monitor, and a waker, who has
 * changed the word before, takes the same monitor.
 */
public final class FutexTable {
    /** A bitset that matches every waiter. */
    public static final int MATCH_ANY = -1;

    private static final int BUCKETS = 256;

    private final FutexBucket[] buckets = new FutexBucket[BUCKETS];
    private final PiLocks locks = new PiLocks(this);
    private final PiRequeue conditions = new PiRequeue(this, locks);

    public FutexTable() {
        for (int i = 0; i < BUCKETS; i++) {
            buckets[i] = new FutexBucket(i);
        }
    }

    /** Futexes whose owner is known, and passes them on. */
    PiLocks locks() {
        return locks;
    }

    /** Waits that end with such a lock. */
    PiRequeue conditions() {
        return conditions;
    }

    FutexBucket bucket(FutexKey key) {
        int hash = key.hashCode();
        return buckets[(hash ^ hash >>> 16) & BUCKETS - 1];
    }

    FutexBucket[] buckets() {
        return buckets;
    }

    /** Of two buckets the one whose monitor is taken first. */
    static FutexBucket low(FutexBucket a, FutexBucket b) {
        return a.index <= b.index ? a : b;
    }

    /** Of two buckets the one whose monitor is taken second; the same one where there is only one. */
    static FutexBucket high(FutexBucket a, FutexBucket b) {
        return a.index <= b.index ? b : a;
    }

    /**
     * Waits while the word has a value.
     *
     * @param deadline nanoseconds of {@code clock}; {@code Long.MAX_VALUE} for none
     * @return 0 when woken, -EAGAIN when the word differs, -ETIMEDOUT, or -ERESTARTSYS when a signal is due
     */
    @KernelFunction(value = "__futex_wait", file = "kernel/futex/waitwake.c")
    long wait(Task task, FutexKey key, long address, int value, int bitset, int clock, long deadline) {
        FutexWaiter waiter = new FutexWaiter(task, key, bitset, 0);
        return queueIfEqual(waiter, address, value) ? sleep(task, waiter, clock, deadline) : -Errno.EAGAIN;
    }

    /**
     * Queues a waiter if the word has a value. Leaves the monitor to have an absent page faulted in.
     *
     * @throws UserFault where that cannot be
     */
    @KernelFunction(value = "futex_wait_setup", file = "kernel/futex/waitwake.c")
    boolean queueIfEqual(FutexWaiter waiter, long address, int value) {
        FutexBucket bucket = bucket(waiter.key);
        while (true) {
            synchronized (bucket) {
                long word = FutexWord.get(waiter.task, address);
                if (word != TaskMemory.ABSENT) {
                    if ((int) word == value) {
                        bucket.add(waiter);
                    }
                    return (int) word == value;
                }
            }
            waiter.task.user().getInt(address);
        }
    }

    /**
     * Waits until a queued waiter is woken.
     *
     * @return 0; else -ETIMEDOUT or -ERESTARTSYS, and it is in no queue any more
     */
    long sleep(Task task, FutexWaiter waiter, int clock, long deadline) {
        while (!waiter.woken) {
            if (task.signalPending()) {
                return remove(waiter) ? -Restart.ERESTARTSYS : 0;
            }
            long left = Sleeps.left(task, clock, deadline);
            if (left <= 0) {
                return remove(waiter) ? -Errno.ETIMEDOUT : 0;
            }
            task.park(left);
        }
        return 0;
    }

    /** Takes a waiter out. Returns false when it was woken meanwhile. */
    private static boolean remove(FutexWaiter waiter) {
        while (true) {
            FutexBucket bucket = waiter.bucket;
            if (bucket == null) {
                return false;
            }
            synchronized (bucket) {
                // a requeue may have moved it between the look and the lock
                if (waiter.bucket == bucket) {
                    bucket.remove(waiter);
                    return true;
                }
            }
        }
    }

    /** Wakes up to {@code count} waiters whose bitset meets {@code bitset}. Returns how many. */
    @KernelFunction(value = "futex_wake", file = "kernel/futex/waitwake.c")
    int wake(FutexKey key, int count, int bitset) {
        FutexBucket bucket = bucket(key);
        synchronized (bucket) {
            return wakeLocked(bucket, key, count, bitset);
        }
    }

    /** Returns how many were woken; -EINVAL at a waiter that only its lock's owner may wake. */
    private static int wakeLocked(FutexBucket bucket, FutexKey key, int count, int bitset) {
        int woken = 0;
        for (Iterator<FutexWaiter> it = bucket.waiters.iterator(); woken < count && it.hasNext(); ) {
            FutexWaiter waiter = it.next();
            if (!waiter.key.equals(key)) {
                continue;
            }
            if (waiter.isPi()) {
                return -Errno.EINVAL;
            }
            if ((waiter.bitset & bitset) != 0) {
                it.remove();
                waiter.bucket = null;
                waiter.wake();
                woken++;
            }
        }
        return woken;
    }

    /** Wakes waiters of a word whose address may be shared or private: what the kernel does at a thread's end. */
    public void wakeShared(Task task, long address, int count) {
        try {
            wake(FutexKeys.of(task, address, true, false), count, MATCH_ANY);
        } catch (UserFault e) {
            // unmapped meanwhile: nobody can wait there
            return;
        }
    }

    /**
     * Wakes some waiters of one futex and moves others to another.
     *
     * @param compare null, or the value the first word must have (FUTEX_CMP_REQUEUE)
     * @return how many were woken, plus with {@code compare} how many were moved; -EAGAIN when the value differs
     */
    @KernelFunction(value = "futex_requeue", file = "kernel/futex/requeue.c")
    long requeue(Task task, FutexKey from, long address, FutexKey to, int wake, int move, Integer compare) {
        FutexBucket source = bucket(from);
        FutexBucket target = bucket(to);
        while (true) {
            synchronized (low(source, target)) {
                synchronized (high(source, target)) {
                    long word = compare == null ? 0 : FutexWord.get(task, address);
                    if (compare != null && word != TaskMemory.ABSENT && (int) word != compare) {
                        return -Errno.EAGAIN;
                    }
                    if (word != TaskMemory.ABSENT) {
                        int woken = wakeLocked(source, from, wake, MATCH_ANY);
                        int moved = woken < 0 ? woken : moveLocked(source, from, target, to, move);
                        return moved < 0 ? moved : woken + moved;
                    }
                }
            }
            task.user().getInt(address);
        }
    }

    private static int moveLocked(FutexBucket source, FutexKey from, FutexBucket target, FutexKey to, int most) {
        int moved = 0;
        for (int i = 0; i < source.waiters.size() && moved < most; ) {
            FutexWaiter waiter = source.waiters.get(i);
            if (!waiter.key.equals(from)) {
                i++;
                continue;
            }
            if (waiter.isPi()) {
                return -Errno.EINVAL;
            }
            moved++;
            waiter.key = to;
            if (source != target) {
                source.waiters.remove(i);
                target.add(waiter);
            } else {
                i++;
            }
        }
        return moved;
    }

    /**
     * Changes the second word, wakes waiters of the first, and of the second where its old value compares as asked.
     *
     * @param operation the packed operation of FUTEX_WAKE_OP
     */
    @KernelFunction(value = "futex_wake_op", file = "kernel/futex/waitwake.c")
    long wakeOp(Task task, FutexKey first, FutexKey second, long address2, int count, int count2, int operation) {
        WakeOperation op = WakeOperation.parse(operation);
        if (op == null) {
            return -Errno.ENOSYS;
        }
        FutexBucket a = bucket(first);
        FutexBucket b = bucket(second);
        while (true) {
            synchronized (low(a, b)) {
                synchronized (high(a, b)) {
                    long old = FutexWord.update(task, address2, op::apply);
                    if (old != TaskMemory.ABSENT && !op.canCompare()) {
                        return -Errno.ENOSYS;
                    }
                    if (old != TaskMemory.ABSENT) {
                        int woken = wakeLocked(a, first, count, MATCH_ANY);
                        int more = woken >= 0 && op.compares((int) old) ? wakeLocked(b, second, count2, MATCH_ANY) : 0;
                        return woken < 0 || more < 0 ? -Errno.EINVAL : woken + more;
                    }
                }
            }
            FutexWord.faultIn(task, address2);
        }
    }

    boolean dequeue(FutexWaiter waiter) {
        return remove(waiter);
    }

    /** Gives back the locks of a task that ends, or that lets go of its memory by execve. */
    @KernelFunction(value = "futex_cleanup", file = "kernel/futex/core.c")
    public void release(Task task, FutexExit after) {
        task.setFutexExit(FutexExit.EXITING);
        long head = task.robustList();
        if (head != 0) {
            task.setRobustList(0);
            new RobustList(task, this).release(head);
        }
        locks.ownerDies(task);
        task.setFutexExit(after);
    }
}
