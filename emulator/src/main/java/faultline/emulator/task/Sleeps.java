package faultline.emulator.task;

/** Waiting for a time of one of the machine's clocks. */
public final class Sleeps {
    /** No deadline. */
    public static final long NEVER = Long.MAX_VALUE;

    private Sleeps() {}

    /**
     * How long to park until a deadline: pass it to {@link Task#park} and ask again.
     *
     * @param clock one of {@link KernelClock}'s
     * @param deadline nanoseconds of that clock, or {@link #NEVER}
     * @return nanoseconds, 0 or less when the time is over, {@link #NEVER} without a deadline
     */
    public static long left(Task task, int clock, long deadline) {
        if (deadline == NEVER) {
            return NEVER;
        }
        return deadline - task.kernel().clock().now(clock);
    }

    /**
     * Sleeps until a deadline.
     *
     * @return whether the time is over; false when a signal is due
     */
    public static boolean until(Task task, int clock, long deadline) {
        while (true) {
            long left = left(task, clock, deadline);
            if (left <= 0) {
                return true;
            }
            if (task.signalPending()) {
                return false;
            }
            task.park(left);
        }
    }
}
