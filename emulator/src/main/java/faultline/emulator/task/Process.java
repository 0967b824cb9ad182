package faultline.emulator.task;

/**
 * A thread group: tasks that share an address space, files and signal handlers.
 */
public final class Process {
    private final int pid;
    private final Rlimits rlimits;

    Process(int pid, Rlimits rlimits) {
        this.pid = pid;
        this.rlimits = rlimits;
    }

    /** The thread group's id: what getpid(2) answers. */
    public int pid() {
        return pid;
    }

    public Rlimits rlimits() {
        return rlimits;
    }
}
