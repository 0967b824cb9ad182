package faultline.emulator.task;

import java.util.concurrent.locks.LockSupport;

/**
 * One thread of a guest process: a Java platform thread, whose stack is its kernel stack.
 *
 * <p>How a system call waits. Inside the JVM (pipes of ours, futex, child processes): {@link #signalPending} and {@link
 * #park} in a loop around the condition, as the kernel does with {@code schedule()}; whoever makes the condition true
 * calls {@link #wake}. On a host descriptor: {@link #blockInterruptibly}.
 */
public final class Task {
    private final int tid;
    private final Process process;
    private final TaskMemory user;
    private volatile Thread thread;
    private volatile boolean signalDue;
    private volatile Runnable interrupter;

    Task(int tid, Process process, TaskMemory user) {
        this.tid = tid;
        this.process = process;
        this.user = user;
    }

    /** What gettid(2) answers; the first task's equals its process' pid. */
    public int tid() {
        return tid;
    }

    public Process process() {
        return process;
    }

    /** This task's view of guest memory. */
    public TaskMemory user() {
        return user;
    }

    /**
     * Whether a signal waits that this task must act on (TIF_SIGPENDING): a blocking call then ends early, with what it
     * has done so far or with one of {@link faultline.emulator.syscall.Restart}'s codes.
     */
    public boolean signalPending() {
        return signalDue;
    }

    /**
     * Waits in the JVM until {@link #wake}, a signal, or the time is over; may return early for no reason, so call it in
     * a loop around the condition. Called on this task's own thread.
     *
     * @param nanos the most to wait; {@code Long.MAX_VALUE} for no limit
     */
    public void park(long nanos) {
        if (signalDue) {
            return;
        }
        if (nanos == Long.MAX_VALUE) {
            LockSupport.park(this);
        } else {
            LockSupport.parkNanos(this, nanos);
        }
    }

    /** Ends one {@link #park}, the current or the next one. Any thread. */
    public void wake() {
        LockSupport.unpark(thread);
    }

    /**
     * Runs something that waits outside the JVM (a host system call), so that a signal can end it.
     *
     * @param wait blocks; called at most once
     * @param interrupter makes {@code wait} return soon; called from other threads, any number of times, also shortly
     *     before {@code wait} blocks and shortly after it returned
     * @return false when a signal was due already and {@code wait} was not called
     */
    public boolean blockInterruptibly(Runnable wait, Runnable interrupter) {
        this.interrupter = interrupter;
        try {
            if (signalDue) {
                return false;
            }
            wait.run();
            return true;
        } finally {
            this.interrupter = null;
        }
    }

    /** Tells this task that a signal waits for it. Any thread. */
    void signalWake() {
        signalDue = true;
        Runnable stop = interrupter;
        if (stop != null) {
            stop.run();
        }
        wake();
    }

    void bindThread(Thread owner) {
        thread = owner;
    }
}
