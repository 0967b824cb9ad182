package faultline.emulator.task;

import faultline.emulator.cpu.CpuEngine;
import faultline.emulator.fs.HostWait;
import faultline.mmu.annotation.KernelFunction;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/**
 * The virtual CPU of a machine with a seed: one task at a time, in the kernel as well as in guest code, in an order
 * that is a function of the seed and of what the guest does.
 *
 * <p>The owner holds a baton. It gives it on where it waits, where it ends, and where its slice is used up, a number of
 * basic blocks drawn for each slice; never in the middle of a system call that does not wait. So locks of the kernel
 * side are never contended, and whatever one task does to another (wake it, signal it, map memory under it) is done at
 * the same place in every run.
 *
 * <pre>
 *   running ── slice over ─────────▶ ready ── drawn by the random numbers ──▶ running
 *      └────── park, host wait ────▶ waiting ── woken, deadline, host ready ──▶ ready
 * </pre>
 *
 * <p>Time is the work done: a block and a stay in guest code cost a fixed number of nanoseconds each. With every task
 * waiting, the clock jumps to the next deadline. Descriptors of the host are looked at only when the baton goes on:
 * those that guests talk to each other by have changed by the guests' own doing, so that the looks find the same in
 * every run. What comes from outside (a terminal, a peer beyond the machine, a signal to the emulator) is the one input
 * that a seed does not fix.
 *
 * <p>Locking: the monitor guards the lists and turns. Timers' callbacks run without it, by the owner.
 */
final class SeededCpu extends VirtualCpu {
    /** Virtual time of a basic block. */
    static final long BLOCK_NANOS = 4;

    /** Virtual time of an entry to the kernel and what it does there. */
    static final long KERNEL_NANOS = 400;

    /** What an entry to the kernel takes of the slice. */
    private static final long KERNEL_BLOCKS = 64;

    private static final int SHORTEST_SLICE_BITS = 4;
    private static final int SLICE_SIZES = 11;
    /** Blocks of a task's slice that nobody else wants. */
    private static final long LONG_SLICE = 1 << 16;

    /** How long to look for outside input before virtual time jumps, and between looks at most. Milliseconds. */
    private static final long OUTSIDE_MILLIS = 1;

    private static final long OUTSIDE_MAX_MILLIS = 8;
    /** Keeps the schedule's random numbers apart from those that the guest gets. */
    private static final long SCHEDULE = 0x5eed_5c4e_d01e_0000L;

    private final KernelClock clock;
    private final TimerQueue timers;
    private final SplittableRandom random;
    private final List<Task> ready = new ArrayList<>();
    /** In the order in which their waits began. */
    private final List<Task> waiting = new ArrayList<>();

    private volatile Task owner;
    private int tasks;
    private long slice;
    private CpuEngine running;
    private long budget;

    private SeededCpu(long seed, KernelClock clock, TimerQueue timers) {
        super(null);
        this.clock = clock;
        this.timers = timers;
        random = new SplittableRandom(seed ^ SCHEDULE);
    }

    /** @param clock a virtual one, which only this CPU advances */
    static VirtualCpu of(long seed, KernelClock clock, TimerQueue timers) {
        return new SeededCpu(seed, clock, timers);
    }

    // ---- who is there -------------------------------------------------------------------------------------------

    @Override
    synchronized void starting(Task task) {
        tasks++;
        if (tasks == 1) {
            owner = task;
            slice = LONG_SLICE;
        } else {
            makeReady(task);
        }
    }

    @Override
    void begin(Task task) {
        awaitTurn(task);
    }

    @Override
    void end(Task task) {
        synchronized (this) {
            tasks--;
            if (tasks == 0) {
                owner = null;
                return;
            }
        }
        give(pick());
    }

    @Override
    public Task owner() {
        return owner;
    }

    /** Nothing to do: the owner keeps the baton in the kernel. */
    @Override
    public void acquire(Task task) {
        if (owner != task) {
            throw new IllegalStateException("task " + task.tid() + " runs out of turn");
        }
    }

    @Override
    public void release() {
        // the owner keeps the baton in the kernel
    }

    @Override
    public void idle() {
        // a wait goes through park
    }

    // ---- time and slices ----------------------------------------------------------------------------------------

    @Override
    void betweenStays(Task task) {
        timers.runDue();
        boolean over;
        synchronized (this) {
            over = slice <= 0;
        }
        if (over) {
            this.yield(task);
        }
    }

    @Override
    void enterGuest(Task task, CpuEngine engine) {
        synchronized (this) {
            budget = Math.max(1, slice);
        }
        running = engine;
        engine.setBlockBudget(budget);
    }

    @Override
    void leaveGuest(Task task, CpuEngine engine) {
        long used = budget - Math.max(0, engine.blockBudget());
        running = null;
        clock.advance(used * BLOCK_NANOS + KERNEL_NANOS);
        task.times().charge(used * BLOCK_NANOS, KERNEL_NANOS);
        synchronized (this) {
            slice -= used + KERNEL_BLOCKS;
        }
    }

    @Override
    long timestamp() {
        CpuEngine engine = running;
        long now = clock.now(KernelClock.MONOTONIC);
        return engine == null ? now : now + (budget - Math.max(0, engine.blockBudget())) * BLOCK_NANOS;
    }

    private long newSlice() {
        return 1 + random.nextLong(1L << SHORTEST_SLICE_BITS + random.nextInt(SLICE_SIZES));
    }

    /** Caller holds the monitor. A slice that was long because nobody else wanted the CPU ends soon. */
    private void makeReady(Task task) {
        if (ready.isEmpty()) {
            slice = Math.min(slice, newSlice());
        }
        ready.add(task);
    }

    // ---- waiting and waking -------------------------------------------------------------------------------------

    @Override
    public void yield(Task task) {
        synchronized (this) {
            ready.add(task);
        }
        schedule(task);
    }

    @Override
    void park(Task task, long nanos) {
        SeededTurn turn = task.turn();
        synchronized (this) {
            if (turn.woken) {
                turn.woken = false;
                return;
            }
            long now = clock.now(KernelClock.MONOTONIC);
            turn.deadline = nanos >= Sleeps.NEVER - now ? Sleeps.NEVER : now + nanos;
            waiting.add(task);
        }
        schedule(task);
    }

    @Override
    void wake(Task task) {
        synchronized (this) {
            if (waiting.remove(task)) {
                makeReady(task);
                notifyAll();
            } else {
                task.turn().woken = true;
            }
        }
    }

    @Override
    boolean pollsHost() {
        return true;
    }

    @Override
    long awaitReady(Task task, LongSupplier look, long nanos) {
        long begin = clock.now(KernelClock.MONOTONIC);
        while (true) {
            long found = look.getAsLong();
            if (found != 0) {
                return found;
            }
            if (task.signalPending()) {
                return HostWait.INTERRUPTED;
            }
            long left = nanos == HostWait.FOREVER ? nanos : nanos - (clock.now(KernelClock.MONOTONIC) - begin);
            if (left <= 0) {
                return 0;
            }
            task.turn().look = look;
            park(task, left);
            task.turn().look = null;
        }
    }

    // ---- handing the baton on -----------------------------------------------------------------------------------

    /**
     * The next owner: waits, and lets time pass, until a task can run. Called by the owner, who is in a list or gone.
     */
    @KernelFunction(value = "pick_next_task", file = "kernel/sched/core.c")
    private Task pick() {
        long pause = OUTSIDE_MILLIS;
        boolean outsideAsked = false;
        while (true) {
            timers.runDue();
            long timer = timers.nextDeadline();
            synchronized (this) {
                long next = Math.min(timer, lookAtWaiting());
                if (!ready.isEmpty()) {
                    return ready.remove(random.nextInt(ready.size()));
                }
                boolean host = waitsForHost();
                if (next == Sleeps.NEVER || host && !outsideAsked) {
                    awaitOutside(host || next != Sleeps.NEVER ? pause : 0);
                    pause = Math.min(pause * 2, OUTSIDE_MAX_MILLIS);
                    outsideAsked = true;
                } else {
                    clock.advance(next - clock.now(KernelClock.MONOTONIC));
                    outsideAsked = false;
                    pause = OUTSIDE_MILLIS;
                }
            }
        }
    }

    /**
     * Makes waiting tasks ready whose time has come or whose descriptors are. Returns the earliest deadline of the
     * others.
     */
    private long lookAtWaiting() {
        long now = clock.now(KernelClock.MONOTONIC);
        long earliest = Sleeps.NEVER;
        for (Iterator<Task> it = waiting.iterator(); it.hasNext(); ) {
            Task task = it.next();
            SeededTurn turn = task.turn();
            if (turn.deadline <= now || turn.look != null && turn.look.getAsLong() != 0) {
                it.remove();
                ready.add(task);
            } else {
                earliest = Math.min(earliest, turn.deadline);
            }
        }
        return earliest;
    }

    private boolean waitsForHost() {
        for (Task task : waiting) {
            if (task.turn().look != null) {
                return true;
            }
        }
        return false;
    }

    /** Waits in real time for {@link #wake} from outside; 0 for without end. Caller holds the monitor. */
    private void awaitOutside(long millis) {
        try {
            wait(millis);
        } catch (InterruptedException e) {
            // nobody interrupts guest threads
            Thread.interrupted();
        }
    }

    private void give(Task next) {
        synchronized (this) {
            slice = ready.isEmpty() ? LONG_SLICE : newSlice();
            owner = next;
        }
        LockSupport.unpark(next.thread());
    }

    /** The owner, who is in a list, gives the baton on and gets it back. */
    @KernelFunction(value = "__schedule", file = "kernel/sched/core.c")
    private void schedule(Task task) {
        give(pick());
        awaitTurn(task);
    }

    @KernelFunction(value = "finish_task_switch", file = "kernel/sched/core.c")
    private void awaitTurn(Task task) {
        while (owner != task) {
            LockSupport.park(this);
        }
    }
}
