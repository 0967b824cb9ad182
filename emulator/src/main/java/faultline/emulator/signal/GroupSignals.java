package faultline.emulator.signal;

/**
 * The signal state that the tasks of a process share besides their handlers (struct signal_struct). Guarded by the
 * handlers' monitor, except where a field is volatile.
 */
public final class GroupSignals {
    private static final int CORE_DUMPED = 0x80;

    private final PendingSignals pending = new PendingSignals();
    private final SignalFiles files = new SignalFiles();
    private volatile boolean unkillable;
    private volatile boolean exiting;
    private int exitStatus;
    private volatile boolean stopped;
    private int stopSignal;
    private int stopsCancelled;
    private volatile boolean frozen;

    /** Signals for whichever task takes them. */
    public PendingSignals pending() {
        return pending;
    }

    /** Descriptors that show this process' signals. */
    SignalFiles files() {
        return files;
    }

    /** Whether all tasks of the process are to end. */
    public boolean exiting() {
        return exiting;
    }

    /** As wait4(2) reports it; valid once {@link #exiting}. */
    public int exitStatus() {
        return exitStatus;
    }

    /** Whether nothing that it has no handler for reaches the process (SIGNAL_UNKILLABLE). */
    public boolean unkillable() {
        return unkillable;
    }

    public void makeUnkillable() {
        unkillable = true;
    }

    /** Lets the process end; the first status given wins. */
    public void exit(int status) {
        if (!exiting) {
            exitStatus = status;
            exiting = true;
        }
        stopped = false;
    }

    /** There is a core file: wait4(2) tells that too. */
    public void noteCoreDump() {
        exitStatus |= CORE_DUMPED;
    }

    /** Whether job control has stopped the process. */
    public boolean stopped() {
        return stopped;
    }

    /** Whether its control group is frozen: no task of it runs, but to end. */
    public boolean frozen() {
        return frozen;
    }

    /** Whoever changes it wakes all tasks. */
    public void setFrozen(boolean on) {
        frozen = on;
    }

    /** The signal that stopped it. */
    public int stopSignal() {
        return stopSignal;
    }

    /** How often a SIGCONT or SIGKILL has come: a stop signal that a task took before one of them is void. */
    int stopsCancelled() {
        return stopsCancelled;
    }

    /** Whoever has taken a stop signal, but not acted on it, has to forget it (JOBCTL_STOP_DEQUEUED is cleared). */
    void cancelStops() {
        stopsCancelled++;
    }

    void stop(int signal) {
        stopSignal = signal;
        stopped = true;
    }

    void resume() {
        stopped = false;
    }
}
