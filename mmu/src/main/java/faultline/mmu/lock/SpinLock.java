package faultline.mmu.lock;

import faultline.mmu.annotation.KernelFunction;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A spin lock: held for moments, never while waiting for anything but another lock of a later rank.
 *
 * <p>Not reentrant, not fair. Taking a free lock is one compare-and-set of the owner's thread id, and allocates
 * nothing. A waiting thread serves the {@link SpinPoller}, so that the holder may ask a waiting processor for a TLB
 * flush.
 */
@KernelFunction("spinlock_t")
public final class SpinLock {
    /**
     * Steps of {@link SpinWait} for which a lock that was let go is left to those who wait: some milliseconds if they
     * sleep.
     */
    private static final int COURTESY = 140;

    private static final VarHandle OWNER;
    private static final VarHandle WAITERS;

    static {
        try {
            OWNER = MethodHandles.lookup().findVarHandle(SpinLock.class, "owner", long.class);
            WAITERS = MethodHandles.lookup().findVarHandle(SpinLock.class, "waiters", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final LockClass lockClass;

    /** Thread id of the holder, 0 when free. */
    private volatile long owner;

    /** Threads that found the lock taken and wait for it. */
    private volatile int waiters;

    /** Written by the holder only. */
    private long acquisitions;

    /** A lock that nobody holds. */
    public SpinLock(LockClass lockClass) {
        this.lockClass = lockClass;
    }

    /** Where it stands in the order of locks. */
    public LockClass lockClass() {
        return lockClass;
    }

    /**
     * Takes the lock. @throws IllegalStateException when the calling thread holds it already: it would wait for ever
     */
    @KernelFunction("spin_lock")
    public void lock() {
        long self = Thread.currentThread().threadId();
        if (!OWNER.compareAndSet(this, 0L, self)) {
            lockSlowly(self);
        }
        acquisitions++;
    }

    /**
     * Takes the lock while another of the same class is held. The caller guarantees that no other thread takes the two
     * in the other order.
     */
    @KernelFunction("spin_lock_nested")
    public void lockNested() {
        long self = Thread.currentThread().threadId();
        if (!OWNER.compareAndSet(this, 0L, self)) {
            lockSlowly(self);
        }
        acquisitions++;
    }

    /** Takes the lock if it is free. */
    @KernelFunction("spin_trylock")
    public boolean tryLock() {
        if (owner != 0 || !OWNER.compareAndSet(this, 0L, Thread.currentThread().threadId())) {
            return false;
        }
        acquisitions++;
        return true;
    }

    /** Releases the lock. @throws IllegalMonitorStateException when the calling thread does not hold it */
    @KernelFunction("spin_unlock")
    public void unlock() {
        if ((long) OWNER.get(this) != Thread.currentThread().threadId()) {
            throw new IllegalMonitorStateException(lockClass + " is released by a thread that does not hold it");
        }
        OWNER.setRelease(this, 0L);
    }

    private void lockSlowly(long self) {
        if (owner == self) {
            throw new IllegalStateException(lockClass + " is taken a second time by its holder");
        }
        long start = System.nanoTime();
        int step = 0;
        WAITERS.getAndAdd(this, 1);
        while (owner != 0 || !OWNER.compareAndSet(this, 0L, self)) {
            step = SpinWait.pause(step);
        }
        WAITERS.getAndAdd(this, -1);
        lockClass.contended(System.nanoTime() - start);
    }

    /** Whether a thread waits for the lock. */
    @KernelFunction("spin_is_contended")
    public boolean isContended() {
        return waiters != 0;
    }

    /**
     * Lets threads that wait have the lock for once, in the middle of long work of its holder. What the lock guards may
     * then have changed. One that is long in coming is not waited for.
     *
     * @return whether it was let go
     */
    @KernelFunction("cond_resched_lock")
    public boolean condResched() {
        SpinWait.poll();
        if (waiters == 0) {
            return false;
        }
        unlock();
        for (int step = 0; step < COURTESY && owner == 0 && waiters != 0; ) {
            step = SpinWait.pause(step);
        }
        lock();
        return true;
    }

    /** Whether anybody holds it; old by the time it is read. */
    public boolean isLocked() {
        return owner != 0;
    }

    /** Whether the caller holds it. */
    @KernelFunction("lockdep_is_held")
    public boolean isHeldByCurrentThread() {
        return owner == Thread.currentThread().threadId();
    }

    /** How often the lock was taken. Exact for a thread that holds it, or after all other threads have ended. */
    public long acquisitions() {
        return acquisitions;
    }

    @Override
    public String toString() {
        long holder = owner;
        return lockClass.name() + (holder == 0 ? " free" : " held by thread " + holder);
    }
}
