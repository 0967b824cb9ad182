package faultline.emulator.task;

import faultline.mmu.annotation.KernelFunction;

/**
 * How much of the virtual CPU a task has had, weighed by its nice value: whoever has had least is next. Guarded by the
 * {@link RunQueue}'s monitor.
 */
@KernelFunction(value = "sched_entity", file = "include/linux/sched.h")
final class SchedEntity {
    private static final double WEIGHT_PER_NICE = 1.25;
    private static final int NICE_RANGE = 20;
    /** Nanoseconds of weighed time that a nanosecond counts, for nice -20 to 19, in 1024ths. */
    private static final long[] FACTORS = new long[2 * NICE_RANGE];

    static {
        for (int i = 0; i < FACTORS.length; i++) {
            FACTORS[i] = Math.max(1, Math.round(1024 * Math.pow(WEIGHT_PER_NICE, i - NICE_RANGE)));
        }
    }

    private final Task task;
    private long vruntime;
    /** The task's time in guest code up to which it was charged. */
    private long charged;

    private boolean placed;
    /** Orders tasks of one virtual run time: who came first. */
    private long arrival;

    /** @param task whose entity this is */
    SchedEntity(Task task) {
        this.task = task;
    }

    Task task() {
        return task;
    }

    /** Nanoseconds, weighed. */
    long vruntime() {
        return vruntime;
    }

    long arrival() {
        return arrival;
    }

    /**
     * Charges what the task has run since the last time.
     *
     * @param guestNanos how long it has been in guest code altogether
     */
    @KernelFunction(value = "update_curr", file = "kernel/sched/fair.c")
    void charge(long guestNanos, int nice) {
        long ran = guestNanos - charged;
        if (ran > 0) {
            vruntime += ran * FACTORS[nice + NICE_RANGE] >> 10;
            charged = guestNanos;
        }
    }

    /**
     * The task begins to wait for the CPU. One that has slept is not owed more than a credit for it; a new one owes
     * what it will take, so that a row of short-lived ones does not keep others out.
     *
     * @param least the virtual run time of who has had least of those that compete
     */
    @KernelFunction(value = "place_entity", file = "kernel/sched/fair.c")
    void place(long least, long order) {
        vruntime = Math.max(vruntime, placed ? least - VirtualCpu.SLICE_NANOS : least + VirtualCpu.SLICE_NANOS);
        placed = true;
        arrival = order;
    }

    /** Gives others precedence (sched_yield). */
    void fallBehind(long other) {
        vruntime = Math.max(vruntime, other);
    }
}
