package faultline.emulator.task;

import faultline.mmu.annotation.KernelFunction;
import java.util.Comparator;
import java.util.PriorityQueue;

/**
 * Tasks that wait for the virtual CPU, the one that has had least of it first. So a task that sleeps most of the time
 * is served soon when it wakes up, and nobody is left out, since who runs falls behind.
 *
 * <p>All methods are for callers that hold this object's monitor.
 */
@KernelFunction(value = "cfs_rq", file = "kernel/sched/sched.h")
final class RunQueue {
    /** How much less than the owner a task that wakes up must have had to be let in at once, in nanoseconds. */
    private static final long WAKEUP_GRANULARITY = 1_000_000;

    private final PriorityQueue<SchedEntity> tasks = new PriorityQueue<>(
            Comparator.comparingLong(SchedEntity::vruntime).thenComparingLong(SchedEntity::arrival));
    /** Virtual run time of who has had least; never goes back. */
    private long least;

    private long arrivals;

    boolean isEmpty() {
        return tasks.isEmpty();
    }

    int size() {
        return tasks.size();
    }

    /**
     * A task begins to wait; it and the owner have been charged.
     *
     * @param owner who has the CPU, or null
     * @return whether the owner has had so much more that the task should not wait for the end of its slice
     */
    @KernelFunction(value = "enqueue_task_fair", file = "kernel/sched/fair.c")
    boolean add(SchedEntity task, SchedEntity owner) {
        advance(owner);
        task.place(least, arrivals++);
        tasks.add(task);
        return owner != null && owner.vruntime() - task.vruntime() > WAKEUP_GRANULARITY;
    }

    private void advance(SchedEntity owner) {
        SchedEntity first = tasks.peek();
        if (first == null) {
            first = owner;
        } else if (owner != null && owner.vruntime() < first.vruntime()) {
            first = owner;
        }
        if (first != null) {
            least = Math.max(least, first.vruntime());
        }
    }

    /** Who is next, or null. */
    @KernelFunction(value = "pick_eevdf", file = "kernel/sched/fair.c")
    SchedEntity first() {
        return tasks.peek();
    }

    /** The first one gets the CPU. */
    void removeFirst() {
        least = Math.max(least, tasks.remove().vruntime());
    }

    /**
     * A task, which has been charged, lets the first one go before it. One whose turn it would be again gives up its
     * slice: many that only look whether something has happened would else keep out for long the new task that is to
     * make it happen, since looking costs them next to nothing.
     */
    @KernelFunction(value = "yield_task_fair", file = "kernel/sched/fair.c")
    void yield(SchedEntity task) {
        if (!tasks.isEmpty() && task.vruntime() <= tasks.peek().vruntime()) {
            task.fallBehind(tasks.peek().vruntime() + VirtualCpu.SLICE_NANOS);
        }
    }
}
