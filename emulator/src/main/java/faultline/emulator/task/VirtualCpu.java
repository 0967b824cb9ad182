package faultline.emulator.task;

import faultline.emulator.cpu.CpuEngine;
import faultline.emulator.fs.HostWait;
import faultline.mmu.annotation.KernelFunction;
import java.lang.Thread.UncaughtExceptionHandler;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/**
 * The machine's one processor: the right to run guest code, which tasks take turns to own.
 *
 * <p>Taking and giving back without anybody waiting is one atomic operation each, so that a system call costs next to
 * nothing here. While others wait, an owner that only makes system calls may take the CPU again until its slice is
 * over; then it is handed over directly. A task that runs without leaving guest code is stopped by the timer thread at
 * the end of the slice. The timer sleeps while nobody waits. Who is next, and who need not wait for the end of the
 * slice, says {@link RunQueue}.
 *
 * <p>With a seed {@link SeededCpu} takes its place, under which tasks take turns with kernel work, too.
 *
 * <pre>
 *   owner  null ── tryTake (CAS) ──▶ A ── release, slice not over ──▶ null   (a waiter is woken when A blocks)
 *                                    A ── release, slice over ──────▶ B      (hand-over to who has had least)
 * </pre>
 */
public class VirtualCpu implements AutoCloseable {
    /** How long a task may keep others waiting, in nanoseconds. */
    public static final long SLICE_NANOS = 3_000_000;

    private static final int SPINS = 400;
    private static final long TICK_NANOS = 1_000_000;
    private static final VarHandle OWNER;

    static {
        try {
            OWNER = MethodHandles.lookup().findVarHandle(VirtualCpu.class, "owner", Task.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private volatile Task owner;
    private volatile int waiting;
    private volatile long handOverAt;
    private volatile boolean closed;
    private long switches;
    /** By the timer thread and by tasks that wake up: a figure for statistics, not exact. */
    private volatile long preemptions;

    /** Guards itself. */
    private final RunQueue queue = new RunQueue();

    private final Thread timer;

    /**
     * @param watch hears when the thread fails that watches how long tasks own the CPU; null for no such thread, which
     *     a CPU has no need of that counts what tasks execute
     */
    VirtualCpu(UncaughtExceptionHandler watch) {
        timer = watch == null ? null : new Thread(this::tick, "faultline-timer");
        if (timer != null) {
            timer.setDaemon(true);
            timer.setUncaughtExceptionHandler(watch);
            timer.start();
        }
    }

    // ---- what only a CPU with a seed has to do ------------------------------------------------------------------

    /** A task's thread is about to be started. */
    void starting(Task task) {
        // it will acquire the CPU when it needs it
    }

    /** First thing on a task's thread. */
    void begin(Task task) {
        // kernel work runs beside guest code
    }

    /** Last thing on a task's thread. */
    void end(Task task) {
        // nothing is kept for it
    }

    /** Called by a task before each of its stays in guest code. */
    void betweenStays(Task task) {
        // the timer thread, or release, has seen to it
    }

    /** The owner enters guest code on an engine. */
    void enterGuest(Task task, CpuEngine engine) {
        task.times().enterGuest();
    }

    /** The owner has left guest code. */
    void leaveGuest(Task task, CpuEngine engine) {
        task.times().leaveGuest();
    }

    /** Lets others run, if there are any (sched_yield). */
    public void yield(Task task) {
        if (waiting != 0) {
            synchronized (queue) {
                queue.yield(task.charged(System.nanoTime()));
            }
            idle();
        }
    }

    /** Waits on the task's own thread for {@link #wake}, or a time; see {@link Task#parkUninterruptibly}. */
    void park(Task task, long nanos) {
        idle();
        if (nanos == Long.MAX_VALUE) {
            LockSupport.park(task);
        } else {
            LockSupport.parkNanos(task, nanos);
        }
    }

    /** Ends one {@link #park} of a task, the current or the next one. Any thread. */
    void wake(Task task) {
        LockSupport.unpark(task.thread());
    }

    /** Whether waits on the host's descriptors are to be made by {@link #awaitReady}. */
    boolean pollsHost() {
        return false;
    }

    /**
     * Waits until a look at the host's descriptors finds something, for a time at most.
     *
     * @param look returns 0 for nothing yet; any thread may call it
     * @return what the look found, 0 when the time is over, {@link HostWait#INTERRUPTED} when a signal is due
     */
    long awaitReady(Task task, LongSupplier look, long nanos) {
        throw new UnsupportedOperationException("the host waits by itself");
    }

    /** The time stamp counter. */
    long timestamp() {
        return System.nanoTime();
    }

    // ---- taking turns with guest code ---------------------------------------------------------------------------

    /** Takes the CPU, waiting for it if needed. */
    @KernelFunction(value = "finish_task_switch", file = "kernel/sched/core.c")
    public void acquire(Task task) {
        if (hasHadItsTurn(task) || !OWNER.compareAndSet(this, null, task)) {
            acquireSlowly(task);
        }
    }

    /** Gives the CPU back; others may have it now. */
    public void release() {
        if (waiting == 0 || !hasHadItsTurn(owner)) {
            OWNER.setRelease(this, null);
            // a task that began to wait before the line above was executed has seen the old owner: the timer, or
            // our next blocking call, wakes it
            return;
        }
        handOver(owner);
    }

    /** To be called when a task that does not own the CPU is about to block: somebody else should have it now. */
    public void idle() {
        if (waiting != 0 && owner == null) {
            handOver(null);
        }
    }

    /** The task that may run guest code now, or null. */
    public Task owner() {
        return owner;
    }

    @KernelFunction(value = "__schedule", file = "kernel/sched/core.c")
    private void acquireSlowly(Task task) {
        for (int i = 0; waiting == 0 && i < SPINS; i++) {
            if (owner == null && OWNER.compareAndSet(this, null, task)) {
                return;
            }
            Thread.onSpinWait();
        }
        enqueue(task);
        // the owner may have left between our look and our place in the queue
        if (owner == null) {
            handOver(null);
        }
        while (owner != task) {
            LockSupport.park(this);
        }
    }

    /**
     * Whether the slice is over and others wait who have had less; a task that has had least of all gets another slice.
     */
    @KernelFunction(value = "update_deadline", file = "kernel/sched/fair.c")
    private boolean hasHadItsTurn(Task task) {
        if (waiting == 0 || System.nanoTime() - handOverAt < 0) {
            return false;
        }
        synchronized (queue) {
            long now = System.nanoTime();
            if (queue.isEmpty() || task.charged(now).vruntime() < queue.first().vruntime()) {
                handOverAt = now + SLICE_NANOS;
                return false;
            }
            return true;
        }
    }

    private void enqueue(Task task) {
        boolean first;
        Task running = owner;
        boolean preempts;
        synchronized (queue) {
            long now = System.nanoTime();
            first = queue.isEmpty();
            preempts = queue.add(task.charged(now), running == null ? null : running.charged(now));
            if (preempts) {
                handOverAt = now;
            } else if (first) {
                handOverAt = now + SLICE_NANOS;
            }
            waiting = queue.size();
        }
        if (preempts) {
            preemptions++;
            running.stopGuest();
        }
        if (first) {
            LockSupport.unpark(timer);
        }
    }

    /**
     * Makes the first in the queue the owner.
     *
     * @param from the owner, who gives the CPU back; null for a caller who only found it free. Such a caller must not
     *     take it from anybody, not even from itself: the timer may have made it the owner meanwhile
     */
    private void handOver(Task from) {
        Task next;
        synchronized (queue) {
            SchedEntity first = queue.first();
            next = first == null ? null : first.task();
            if (next == null && from == null || !OWNER.compareAndSet(this, from, next)) {
                return;
            }
            if (next != null) {
                queue.removeFirst();
                waiting = queue.size();
                handOverAt = System.nanoTime() + SLICE_NANOS;
                switches++;
            }
        }
        if (next != null) {
            next.wake();
        }
    }

    private void tick() {
        while (!closed) {
            if (waiting == 0) {
                LockSupport.park(this);
                continue;
            }
            LockSupport.parkNanos(this, TICK_NANOS);
            Task running = owner;
            if (running == null) {
                handOver(null);
            } else if (hasHadItsTurn(running)) {
                preemptions++;
                running.stopGuest();
            }
        }
    }

    /** How often the CPU went from one task to another that waited for it. */
    public long switches() {
        return switches;
    }

    /** How often running guest code was stopped for another task. */
    public long preemptions() {
        return preemptions;
    }

    @Override
    public void close() {
        closed = true;
        if (timer == null) {
            return;
        }
        LockSupport.unpark(timer);
        try {
            timer.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
