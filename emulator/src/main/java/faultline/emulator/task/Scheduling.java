package faultline.emulator.task;

/** Policy, priority and nice value of a task, as they were set. Any thread. */
public final class Scheduling {
    public static final int FIFO = 1;
    public static final int RR = 2;
    public static final int RESET_ON_FORK = 0x40000000;
    private static final int OTHER = 0;
    private static final int BATCH = 3;
    private static final int IDLE = 5;

    private volatile int policy;
    private volatile int priority;
    private volatile int nice;

    public static boolean isRealTime(int policy) {
        return policy == FIFO || policy == RR;
    }

    public static boolean isKnown(int policy) {
        return isRealTime(policy) || policy == OTHER || policy == BATCH || policy == IDLE;
    }

    public static boolean isValid(int policy, int priority) {
        return isRealTime(policy) ? priority >= 1 && priority <= 99 : priority == 0;
    }

    public int policy() {
        return policy;
    }

    public int priority() {
        return priority;
    }

    /** 1 to 99 with a real-time policy, else 0. */
    public int realTimePriority() {
        return isRealTime(policy & ~RESET_ON_FORK) ? priority : 0;
    }

    /** -20..19. */
    public int nice() {
        return nice;
    }

    public void set(int newPolicy, int newPriority) {
        policy = newPolicy;
        priority = newPriority;
    }

    public void setNice(int value) {
        nice = value;
    }

    void copyFrom(Scheduling parent) {
        boolean reset = (parent.policy & RESET_ON_FORK) != 0;
        policy = reset ? OTHER : parent.policy;
        priority = reset ? 0 : parent.priority;
        nice = parent.nice;
    }
}
