package faultline.mmu.lock;

import faultline.mmu.annotation.KernelFunction;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.LockSupport;

/**
 * A reader-writer semaphore: many readers or one writer; who waits, sleeps.
 *
 * <p>First come, first served: while anyone waits, newcomers queue behind, so that neither side starves; a lock that is
 * released is handed to the first waiter (and, if that is a reader, to the readers that follow it). Therefore a thread
 * must not take the lock shared twice. Taking a free lock is one atomic instruction and allocates nothing.
 *
 * <p>A waiting thread serves the {@link SpinPoller} now and then, at least once a millisecond.
 */
@KernelFunction("rw_semaphore")
public final class RwSemaphore {
    private static final long WRITER = 1;
    private static final long WAITERS = 2;
    private static final long READER = 0x100;
    private static final long FIRST_PARK_NANOS = 50_000;
    private static final long MAX_PARK_NANOS = 1_000_000;

    private static final VarHandle STATE;
    private static final VarHandle WRITER_ID;
    private static final VarHandle QUEUE_LOCK;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(RwSemaphore.class, "state", long.class);
            WRITER_ID = MethodHandles.lookup().findVarHandle(RwSemaphore.class, "writerId", long.class);
            QUEUE_LOCK = MethodHandles.lookup().findVarHandle(RwSemaphore.class, "queueLock", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** A thread in the queue. {@code granted} is set by whoever hands it the lock, under the queue lock. */
    private static final class Waiter {
        final Thread thread = Thread.currentThread();
        final boolean writer;
        volatile boolean granted;
        Waiter next;

        Waiter(boolean writer) {
            this.writer = writer;
        }
    }

    private final LockClass lockClass;

    /**
     * {@link #WRITER} while a writer holds it, {@link #WAITERS} while the queue is not empty, and {@link #READER} times
     * the number of readers. A reader adds itself first and looks afterwards; one that finds it may not enter takes
     * itself out again by the ordinary way of releasing, so a count above 0 beside WRITER is possible for moments.
     */
    private volatile long state;

    /**
     * Thread id of the writer, 0 when there is none. Written between taking and releasing the lock, whose atomics order
     * it; others read it only to compare with their own id.
     */
    private volatile long writerId;

    private volatile int queueLock;
    private Waiter first;
    private Waiter last;

    /** A lock that nobody holds. */
    public RwSemaphore(LockClass lockClass) {
        this.lockClass = lockClass;
    }

    /** Where it stands in the order of locks. */
    public LockClass lockClass() {
        return lockClass;
    }

    /** Takes the lock shared. */
    @KernelFunction("down_read")
    public void readLock() {
        if (((long) STATE.getAndAdd(this, READER) & (WRITER | WAITERS)) != 0) {
            readUnlock();
            waitFor(false, false);
        }
    }

    /** Takes the lock shared. @return false when the thread was interrupted first; its interrupt status stays set */
    @KernelFunction("down_read_killable")
    public boolean readLockInterruptibly() {
        return tryReadLock() || waitFor(false, true);
    }

    /** Takes the lock shared if no writer holds it and nobody waits for it. */
    @KernelFunction("down_read_trylock")
    public boolean tryReadLock() {
        if ((state & (WRITER | WAITERS)) != 0) {
            return false;
        }
        if (((long) STATE.getAndAdd(this, READER) & (WRITER | WAITERS)) != 0) {
            readUnlock();
            return false;
        }
        return true;
    }

    /** Gives up the shared lock. */
    @KernelFunction("up_read")
    public void readUnlock() {
        long now = (long) STATE.getAndAdd(this, -READER) - READER;
        if (now < 0) {
            STATE.getAndAdd(this, READER);
            throw new IllegalMonitorStateException(lockClass + " is released by a reader but has none");
        }
        if (now == WAITERS) {
            handOver();
        }
    }

    /** Takes the lock alone. */
    @KernelFunction("down_write")
    public void writeLock() {
        if (!tryWriteLock()) {
            waitFor(true, false);
        }
    }

    /** Takes the lock alone. @return false when the thread was interrupted first; its interrupt status stays set */
    @KernelFunction("down_write_killable")
    public boolean writeLockInterruptibly() {
        return tryWriteLock() || waitFor(true, true);
    }

    /** Takes the lock alone if it is free. */
    @KernelFunction("down_write_trylock")
    public boolean tryWriteLock() {
        if (STATE.compareAndSet(this, 0L, WRITER)) {
            WRITER_ID.setOpaque(this, Thread.currentThread().threadId());
            return true;
        }
        return false;
    }

    /** Gives up the exclusive lock. */
    @KernelFunction("up_write")
    public void writeUnlock() {
        checkWriter();
        WRITER_ID.setOpaque(this, 0L);
        long now = (long) STATE.getAndAdd(this, -WRITER) - WRITER;
        if ((now & WAITERS) != 0) {
            handOver();
        }
    }

    /** Turns the exclusive lock into a shared one; no writer can come in between. */
    @KernelFunction("downgrade_write")
    public void downgradeWrite() {
        checkWriter();
        WRITER_ID.setOpaque(this, 0L);
        long now = (long) STATE.getAndAdd(this, READER - WRITER) + READER - WRITER;
        if ((now & WAITERS) != 0) {
            handOver();
        }
    }

    private void checkWriter() {
        if (writerId != Thread.currentThread().threadId()) {
            throw new IllegalMonitorStateException(lockClass + " is released by a thread that is not its writer");
        }
    }

    private boolean waitFor(boolean writer, boolean interruptibly) {
        if (writerId == Thread.currentThread().threadId()) {
            throw new IllegalStateException(lockClass + " is taken a second time by its writer");
        }
        long start = System.nanoTime();
        boolean got = spin(writer) || sleep(writer, interruptibly);
        lockClass.contended(System.nanoTime() - start);
        return got;
    }

    /** Most holders are gone soon: look for a while before queueing, as long as nobody queues before us. */
    private boolean spin(boolean writer) {
        for (int step = 0; step < SpinWait.SPINS; ) {
            if ((state & WAITERS) != 0) {
                return false;
            }
            if (writer ? tryWriteLock() : tryReadLock()) {
                return true;
            }
            step = SpinWait.pause(step);
        }
        return false;
    }

    private boolean sleep(boolean writer, boolean interruptibly) {
        Waiter self = new Waiter(writer);
        enqueue(self);
        // The holder may have left before it could see our WAITERS bit: then nobody but us would hand the lock over.
        handOver();
        boolean interrupted = false;
        long park = FIRST_PARK_NANOS;
        while (!self.granted) {
            LockSupport.parkNanos(this, park);
            park = Math.min(2 * park, MAX_PARK_NANOS);
            SpinWait.poll();
            if (Thread.interrupted()) {
                interrupted = true;
                if (interruptibly && dequeue(self)) {
                    handOver();
                    Thread.currentThread().interrupt();
                    return false;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return true;
    }

    private void enqueue(Waiter self) {
        lockQueue();
        if (first == null) {
            first = self;
        } else {
            last.next = self;
        }
        last = self;
        STATE.getAndBitwiseOr(this, WAITERS);
        unlockQueue();
    }

    /** Takes a waiter that gives up out of the queue. @return false when it has been granted the lock meanwhile */
    private boolean dequeue(Waiter self) {
        lockQueue();
        try {
            if (self.granted) {
                return false;
            }
            Waiter before = null;
            for (Waiter w = first; w != self; w = w.next) {
                before = w;
            }
            if (before == null) {
                first = self.next;
            } else {
                before.next = self.next;
            }
            if (last == self) {
                last = before;
            }
            return true;
        } finally {
            unlockQueue();
        }
    }

    /** Grants the lock to as many waiters from the head of the queue as may have it now. */
    private void handOver() {
        lockQueue();
        while (first != null && grant(first)) {
            Waiter granted = first;
            first = granted.next;
            if (first == null) {
                last = null;
            }
            granted.granted = true;
            LockSupport.unpark(granted.thread);
        }
        if (first == null) {
            STATE.getAndBitwiseAnd(this, ~WAITERS);
        }
        unlockQueue();
    }

    private boolean grant(Waiter waiter) {
        while (true) {
            long seen = state;
            if (waiter.writer) {
                if ((seen & ~WAITERS) != 0) {
                    // Whoever holds it finds WAITERS when it leaves; so does a reader that looked in by mistake.
                    return false;
                }
                if (STATE.compareAndSet(this, seen, seen | WRITER)) {
                    writerId = waiter.thread.threadId();
                    return true;
                }
            } else {
                if ((seen & WRITER) != 0) {
                    return false;
                }
                if (STATE.compareAndSet(this, seen, seen + READER)) {
                    return true;
                }
            }
        }
    }

    private void lockQueue() {
        int step = 0;
        while (!QUEUE_LOCK.compareAndSet(this, 0, 1)) {
            step = SpinWait.pause(step);
        }
    }

    private void unlockQueue() {
        QUEUE_LOCK.setRelease(this, 0);
    }

    /** Whether anybody holds it, either way; old by the time it is read. */
    @KernelFunction("rwsem_is_locked")
    public boolean isLocked() {
        return (state & ~WAITERS) != 0;
    }

    /** Whether the caller holds it for writing. */
    public boolean isWriteLockedByCurrentThread() {
        return writerId == Thread.currentThread().threadId();
    }

    /** Whether anybody waits for it; old by the time it is read. */
    @KernelFunction("rwsem_is_contended")
    public boolean hasWaiters() {
        return (state & WAITERS) != 0;
    }

    @Override
    public String toString() {
        long seen = state;
        return lockClass.name() + " readers " + (seen >>> 8) + ((seen & WRITER) != 0 ? " writer " + writerId : "")
                + ((seen & WAITERS) != 0 ? " waiters" : "");
    }
}
