package faultline.emulator.task;

/**
 * Processor time and faults of a process: its tasks', those that have ended included, and its waited-for children's.
 *
 * <p>Nanoseconds and counts. Its own monitor guards the sums of what has ended.
 */
public final class ProcessTimes {
    /** A clock tick of times(2) and siginfo, in nanoseconds (USER_HZ is 100). */
    public static final long TICK_NANOS = 10_000_000;

    private final Process process;
    private long endedUser;
    private long endedSystem;
    private long endedMinFlt;
    private long endedMajFlt;
    private long childUser;
    private long childSystem;
    private long childMinFlt;
    private long childMajFlt;
    private long endedVoluntary;
    private long endedInvoluntary;
    private long childVoluntary;
    private long childInvoluntary;
    private long childMaxRss;
    private long ownMaxRss;

    ProcessTimes(Process process) {
        this.process = process;
    }

    /** Adds a task that ends; called before it leaves {@link Process#tasks()}. */
    synchronized void addEnded(Task task) {
        endedUser += task.times().user();
        endedSystem += task.times().system();
        endedMinFlt += task.fault().minFlt;
        endedMajFlt += task.fault().majFlt;
        endedVoluntary += task.times().voluntarySwitches();
        endedInvoluntary += task.times().involuntarySwitches();
        process.tasks().remove(task);
    }

    /** Adds a child that was waited for, with its own children. */
    synchronized void addChild(ProcessTimes child) {
        synchronized (child) {
            childUser += child.endedUser + child.childUser;
            childSystem += child.endedSystem + child.childSystem;
            childMinFlt += child.endedMinFlt + child.childMinFlt;
            childMajFlt += child.endedMajFlt + child.childMajFlt;
            childVoluntary += child.endedVoluntary + child.childVoluntary;
            childInvoluntary += child.endedInvoluntary + child.childInvoluntary;
            childMaxRss = Math.max(childMaxRss, Math.max(child.ownMaxRss, child.childMaxRss));
        }
    }

    /** Remembers the largest resident size, in pages, of an address space that is given up. */
    synchronized void noteMaxRss(long pages) {
        ownMaxRss = Math.max(ownMaxRss, pages);
    }

    /** Nanoseconds in guest code, of all tasks, ended ones too. */
    public synchronized long user() {
        long sum = endedUser;
        for (Task task : process.tasks()) {
            sum += task.times().user();
        }
        return sum;
    }

    /** Nanoseconds in system calls and faults, of all tasks, ended ones too. */
    public synchronized long system() {
        long sum = endedSystem;
        for (Task task : process.tasks()) {
            sum += task.times().system();
        }
        return sum;
    }

    /** Page faults without reading, of all tasks. */
    public synchronized long minorFaults() {
        long sum = endedMinFlt;
        for (Task task : process.tasks()) {
            sum += task.fault().minFlt;
        }
        return sum;
    }

    /** Page faults that read, of all tasks. */
    public synchronized long majorFaults() {
        long sum = endedMajFlt;
        for (Task task : process.tasks()) {
            sum += task.fault().majFlt;
        }
        return sum;
    }

    /** Context switches for want of something. */
    public synchronized long voluntarySwitches() {
        long sum = endedVoluntary;
        for (Task task : process.tasks()) {
            sum += task.times().voluntarySwitches();
        }
        return sum;
    }

    /** Context switches for another task's sake. */
    public synchronized long involuntarySwitches() {
        long sum = endedInvoluntary;
        for (Task task : process.tasks()) {
            sum += task.times().involuntarySwitches();
        }
        return sum;
    }

    /** Waits of children waited for. */
    public synchronized long childVoluntarySwitches() {
        return childVoluntary;
    }

    /** Preemptions of children waited for. */
    public synchronized long childInvoluntarySwitches() {
        return childInvoluntary;
    }

    /** User nanoseconds of children waited for. */
    public synchronized long childUser() {
        return childUser;
    }

    /** System nanoseconds of children waited for. */
    public synchronized long childSystem() {
        return childSystem;
    }

    /** Minor faults of children waited for. */
    public synchronized long childMinorFaults() {
        return childMinFlt;
    }

    /** Major faults of children waited for. */
    public synchronized long childMajorFaults() {
        return childMajFlt;
    }

    /** Pages. */
    public synchronized long childMaxRss() {
        return childMaxRss;
    }

    /** The largest resident size so far, in pages. */
    public long maxRss() {
        UserSpace space = process.space();
        long now = space == null ? 0 : space.mm().hiwaterRss();
        synchronized (this) {
            return Math.max(ownMaxRss, now);
        }
    }

    /** User time in ticks of 10 ms. */
    public long userTicks() {
        return user() / TICK_NANOS;
    }

    /** System time in ticks of 10 ms. */
    public long systemTicks() {
        return system() / TICK_NANOS;
    }
}
