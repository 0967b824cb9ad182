package faultline.emulator.task;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;

/**
 * Processor time of one task, in nanoseconds: user time while its guest code runs, system time otherwise.
 *
 * <p>User time is what the task spent as owner of the virtual CPU; system time what its thread used of a processor
 * beyond that. Written by the task's own thread, read by any.
 */
public final class TaskTimes {
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
    private static final VarHandle USER;
    private static final VarHandle ENTERED_AT;

    static {
        try {
            USER = MethodHandles.lookup().findVarHandle(TaskTimes.class, "user", long.class);
            ENTERED_AT = MethodHandles.lookup().findVarHandle(TaskTimes.class, "enteredAt", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /**
     * Read by others now and then: they need a recent value, not the latest, so no fence is paid at each system call.
     */
    private long user;

    private boolean isVirtual;
    private volatile long virtualSystem;
    /** When guest code was entered, 0 while none runs; read by others as {@link #user} is. */
    private long enteredAt;

    /** Context switches, counted by the task itself. */
    private volatile long voluntary;

    private volatile long involuntary;
    private volatile long threadId = -1;
    private volatile long finalTotal = -1;

    void bind(Thread thread) {
        threadId = thread.threadId();
    }

    void enterGuest() {
        ENTERED_AT.setOpaque(this, System.nanoTime());
    }

    void leaveGuest() {
        USER.setOpaque(this, user + System.nanoTime() - enteredAt);
        ENTERED_AT.setOpaque(this, 0);
    }

    /** Nanoseconds in guest code, a stay under way included. Any thread; may miss the latest stay. */
    long guestNanos(long now) {
        long since = (long) ENTERED_AT.getOpaque(this);
        return (long) USER.getOpaque(this) + (since == 0 ? 0 : Math.max(0, now - since));
    }

    /** The task gives the CPU up to wait for something. */
    @SuppressWarnings("NonAtomicOperationOnVolatileField") // one writer
    void noteWait() {
        voluntary++;
    }

    /** The task was stopped for another one. */
    @SuppressWarnings("NonAtomicOperationOnVolatileField") // one writer
    void notePreempted() {
        involuntary++;
    }

    /** How often the task has waited (nvcsw). Any thread. */
    public long voluntarySwitches() {
        return voluntary;
    }

    /** How often the task was stopped for another one (nivcsw). Any thread. */
    public long involuntarySwitches() {
        return involuntary;
    }

    /** Virtual time passed, which with a seed is all the time there is. */
    void charge(long guestNanos, long kernelNanos) {
        isVirtual = true;
        USER.setOpaque(this, user + guestNanos);
        virtualSystem += kernelNanos;
    }

    /** Freezes the sums when the thread ends. */
    void finish() {
        finalTotal = total();
    }

    /** Nanoseconds in guest code, a stay under way included: a loop without calls has its timers expire. */
    public long user() {
        return Math.min(guestNanos(System.nanoTime()), total());
    }

    /** Nanoseconds in system calls and faults. */
    public long system() {
        return Math.max(0, total() - guestNanos(System.nanoTime()));
    }

    /** Both together. */
    public long total() {
        if (finalTotal >= 0) {
            return finalTotal;
        }
        if (isVirtual) {
            return (long) USER.getOpaque(this) + virtualSystem;
        }
        if (threadId < 0) {
            return 0;
        }
        long nanos = THREADS.getThreadCpuTime(threadId);
        return nanos < 0 ? (long) USER.getOpaque(this) : nanos;
    }
}
