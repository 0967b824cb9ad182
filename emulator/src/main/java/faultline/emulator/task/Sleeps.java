package faultline.emulator.task;

/** Waiting for a time of one of the machine's clocks. */
public final class Sleeps {
    /** No deadline. */
    public static final long NEVER = Long.MAX_VALUE;

    /** A wait on a virtual clock, or on one that may be set, is cut into pieces of this length, in nanoseconds. */
    private static final long PIECE = 50_000_000;

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
        KernelClock time = task.kernel().clock();
        long left = deadline - time.now(clock);
        if (left > 0 && time.isVirtual()) {
            return virtualPiece(task, time, left);
        }
        return left;
    }

    /** Nobody else can run: virtual time jumps. Somebody can: give them a little real time, and let as much pass. */
    private static long virtualPiece(Task task, KernelClock time, long left) {
        boolean alone = task.kernel().tasks().size() == 1;
        long step = alone ? left : Math.min(left, PIECE / 50);
        time.advance(step);
        return alone ? 0 : Math.min(left, PIECE / 50);
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
