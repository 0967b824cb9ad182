package faultline.emulator.task;

/**
 * Policy, priority and nice value of a task, as they were set. Any thread.
 *
 * <p>They are told back and inherited. Nice values decide how the virtual CPU is shared, except with a seed, which
 * decides alone; the policies share it as the usual one.
 */
public final class Scheduling {
    public static final int OTHER = 0;
    public static final int FIFO = 1;
    public static final int RR = 2;
    public static final int BATCH = 3;
    public static final int IDLE = 5;
    public static final int DEADLINE = 6;
    public static final int RESET_ON_FORK = 0x40000000;

    /**
     * What sched_setattr(2) sets and sched_getattr(2) tells.
     *
     * @param policy without {@link #RESET_ON_FORK}
     * @param nice -20 to 19, of the policies without priorities
     * @param priority 1 to 99 of the real-time policies, else 0
     * @param runtime nanoseconds of each period, of SCHED_DEADLINE; for others a slice that is wished for
     * @param deadline nanoseconds after the period's begin
     * @param period nanoseconds
     */
    public record Attributes(
            int policy, boolean resetOnFork, int nice, int priority, long runtime, long deadline, long period) {
        private static final Attributes DEFAULT = new Attributes(OTHER, false, 0, 0, 0, 0, 0);

        /** The same with another policy and priority, and nothing of a deadline. */
        public Attributes with(int newPolicy, boolean reset, int newPriority) {
            return new Attributes(newPolicy, reset, nice, newPriority, 0, 0, 0);
        }
    }

    private volatile Attributes attributes = Attributes.DEFAULT;

    /** SCHED_FIFO and SCHED_RR: the policies with priorities. */
    public static boolean isRealTime(int policy) {
        return policy == FIFO || policy == RR;
    }

    /** Whether there is such a policy. */
    public static boolean isKnown(int policy) {
        return isRealTime(policy) || policy == OTHER || policy == BATCH || policy == IDLE || policy == DEADLINE;
    }

    /** Whether the priority is in the range of the policy. */
    public static boolean isValid(int policy, int priority) {
        return isRealTime(policy) ? priority >= 1 && priority <= 99 : priority == 0;
    }

    /** What sched_getattr(2) tells. */
    public Attributes attributes() {
        return attributes;
    }

    public void set(Attributes newAttributes) {
        attributes = newAttributes;
    }

    /** 1 to 99 with a real-time policy, else 0. */
    public int realTimePriority() {
        Attributes now = attributes;
        return isRealTime(now.policy) ? now.priority : 0;
    }

    /** What getpriority(2) and /proc/PID/stat tell of the nice value: -20 to 19. */
    public int nice() {
        return attributes.nice;
    }

    /** As /proc/PID/stat shows it: 20 + nice, or -1 - priority of a real-time policy. */
    public int shownPriority() {
        Attributes now = attributes;
        return now.policy == DEADLINE ? -101 : isRealTime(now.policy) ? -1 - now.priority : 20 + now.nice;
    }

    /** Sets the nice value, -20 to 19. */
    public void setNice(int value) {
        Attributes now = attributes;
        attributes =
                new Attributes(now.policy, now.resetOnFork, value, now.priority, now.runtime, now.deadline, now.period);
    }

    /** What fork does: with the flag set a child has the default policy, and no nice value below 0. */
    void copyFrom(Scheduling parent) {
        Attributes of = parent.attributes;
        boolean special = isRealTime(of.policy) || of.policy == DEADLINE;
        attributes = of.resetOnFork
                ? new Attributes(special ? OTHER : of.policy, false, special ? 0 : Math.max(0, of.nice), 0, 0, 0, 0)
                : of;
    }
}
