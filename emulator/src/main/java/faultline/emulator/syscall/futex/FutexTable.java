package faultline.emulator.syscall.futex;

import faultline.emulator.syscall.Restart;
import faultline.emulator.task.Sleeps;
import faultline.emulator.task.Task;
import faultline.emulator.task.UserFault;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.gup.UserMemory;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.system.MemorySystem;
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

    private static final int FUTEX_WAITERS = 0x80000000;
    private static final int FUTEX_OWNER_DIED = 0x40000000;
    private static final int FUTEX_TID_MASK = 0x3fffffff;
    private static final int ROBUST_LIST_LIMIT = 2048;

    private final FutexBucket[] buckets = new FutexBucket[BUCKETS];

    public FutexTable() {
        for (int i = 0; i < BUCKETS; i++) {
            buckets[i] = new FutexBucket(i);
        }
    }

    private FutexBucket bucket(FutexKey key) {
        int hash = key.hashCode();
        return buckets[(hash ^ hash >>> 16) & BUCKETS - 1];
    }

    /**
     * The key of an aligned address.
     *
     * @param write whether the call writes the word: then it must be writable
     * @throws UserFault where a shared word cannot be reached
     */
    @KernelFunction(value = "get_futex_key", file = "kernel/futex/core.c")
    FutexKey key(Task task, long address, boolean shared, boolean write) {
        return shared ? sharedKey(task, address, write) : new FutexKey(task.mm(), address);
    }

    /**
     * The key of a word that may be shared: what its page belongs to tells. The page is pinned while that is asked, so that it
     * cannot become another's meanwhile.
     *
     * <p>Pinned as for writing where that is allowed: a private page is then this process' own copy, and its address is the key.
     */
    private static FutexKey sharedKey(Task task, long address, boolean write) {
        MmStruct mm = task.mm();
        MemorySystem memory = task.kernel().memory();
        long[] page = new long[1];
        boolean readOnly = false;
        if (!UserMemory.accessOk(address, Integer.BYTES)) {
            throw UserFault.INSTANCE;
        }
        mm.mmapLock().readLock();
        try {
            long pinned = memory.gup().getUserPages(mm, task.fault(), address, 1, true, false, page, null);
            if (pinned == -Errno.EFAULT && !write) {
                readOnly = true;
                pinned = memory.gup().getUserPages(mm, task.fault(), address, 1, false, false, page, null);
            }
            if (pinned < 0) {
                throw UserFault.INSTANCE;
            }
        } finally {
            mm.mmapLock().readUnlock();
        }
        FrameTable frames = memory.phys().frames();
        try {
            if (frames.test(page[0], PageFlags.ANON) && !readOnly) {
                return new FutexKey(mm, address);
            }
            if (frames.mapping(page[0]) instanceof AddressSpace object) {
                return new FutexKey(object, (frames.index(page[0]) << Page.SHIFT) + Page.offset(address));
            }
            // an anonymous page that can never be written, the page of zeros, or one whose file was cut: nobody wakes
            // there
            throw UserFault.INSTANCE;
        } finally {
            memory.phys().allocator().putPage(page[0]);
        }
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
        FutexBucket bucket = bucket(key);
        synchronized (bucket) {
            if (task.user().getInt(address) != value) {
                return -Errno.EAGAIN;
            }
            bucket.add(waiter);
        }
        return sleep(task, waiter, clock, deadline);
    }

    private long sleep(Task task, FutexWaiter waiter, int clock, long deadline) {
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
                    bucket.waiters.remove(waiter);
                    waiter.bucket = null;
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

    private static int wakeLocked(FutexBucket bucket, FutexKey key, int count, int bitset) {
        int woken = 0;
        for (Iterator<FutexWaiter> it = bucket.waiters.iterator(); woken < count && it.hasNext(); ) {
            FutexWaiter waiter = it.next();
            if (waiter.key.equals(key) && (waiter.bitset & bitset) != 0) {
                it.remove();
                waiter.bucket = null;
                waiter.woken = true;
                waiter.task.wake();
                woken++;
            }
        }
        return woken;
    }

    /** Wakes waiters of a word whose address may be shared or private: what the kernel does at a thread's end. */
    public void wakeShared(Task task, long address, int count) {
        try {
            wake(key(task, address, true, false), count, MATCH_ANY);
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
        FutexBucket low = source.index <= target.index ? source : target;
        FutexBucket high = low == source ? target : source;
        synchronized (low) {
            synchronized (high) {
                if (compare != null && task.user().getInt(address) != compare) {
                    return -Errno.EAGAIN;
                }
                int woken = wakeLocked(source, from, wake, MATCH_ANY);
                return woken + moveLocked(source, from, target, to, move);
            }
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
        FutexBucket low = a.index <= b.index ? a : b;
        FutexBucket high = low == a ? b : a;
        // guest code is the second party to this read-modify-write: nobody runs any while we own the virtual CPU
        task.user().putInt(address2, task.user().getInt(address2));
        synchronized (low) {
            synchronized (high) {
                int old;
                task.kernel().cpu().acquire(task);
                try {
                    old = task.user().getInt(address2);
                    task.user().putInt(address2, op.apply(old));
                } finally {
                    task.kernel().cpu().release();
                }
                long woken = wakeLocked(a, first, count, MATCH_ANY);
                if (op.compares(old)) {
                    woken += wakeLocked(b, second, count2, MATCH_ANY);
                }
                return woken;
            }
        }
    }

    /** Queues a task on several futexes at once, for futex_waitv; see {@link FutexWaitv}. */
    boolean queueIfEqual(FutexWaiter waiter, long address, int value) {
        FutexBucket bucket = bucket(waiter.key);
        synchronized (bucket) {
            if (waiter.task.user().getInt(address) != value) {
                return false;
            }
            bucket.add(waiter);
            return true;
        }
    }

    boolean dequeue(FutexWaiter waiter) {
        return remove(waiter);
    }

    /** Marks the robust futexes of a dying task as ownerless and wakes one waiter of each. */
    @KernelFunction(value = "exit_robust_list", file = "kernel/futex/core.c")
    public void exitRobustList(Task task) {
        long head = task.robustList();
        if (head == 0) {
            return;
        }
        task.setRobustList(0);
        try {
            long entry = task.user().getLong(head);
            long offset = task.user().getLong(head + 8);
            long pending = task.user().getLong(head + 16);
            for (int i = 0; i < ROBUST_LIST_LIMIT && (entry & ~1L) != head; i++) {
                long next = task.user().getLong(entry & ~1L);
                if ((entry & ~1L) != (pending & ~1L)) {
                    handleDeath(task, (entry & ~1L) + offset, false);
                }
                entry = next;
            }
            if ((pending & ~1L) != 0) {
                handleDeath(task, (pending & ~1L) + offset, true);
            }
        } catch (UserFault e) {
            // a list that the program has broken ends where it cannot be read, as in the kernel
            return;
        }
    }

    @KernelFunction(value = "handle_futex_death", file = "kernel/futex/core.c")
    private void handleDeath(Task task, long address, boolean pending) {
        if ((address & 3) != 0) {
            throw UserFault.INSTANCE;
        }
        int value = task.user().getInt(address);
        if (pending && value == 0) {
            wakeShared(task, address, 1);
            return;
        }
        if ((value & FUTEX_TID_MASK) != task.tid()) {
            return;
        }
        task.kernel().cpu().acquire(task);
        try {
            value = task.user().getInt(address);
            task.user().putInt(address, value & FUTEX_WAITERS | FUTEX_OWNER_DIED);
        } finally {
            task.kernel().cpu().release();
        }
        if ((value & FUTEX_WAITERS) != 0) {
            wakeShared(task, address, 1);
        }
    }
}
