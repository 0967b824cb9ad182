package faultline.emulator.task;

/** What a task is told of fault injection through /proc, as a kernel with CONFIG_FAULT_INJECTION has it. Any thread. */
public final class TaskFailures {
    private volatile int nth;
    private volatile boolean wanted;

    /** How many injectable calls remain until one fails (/proc/PID/task/TID/fail-nth); 0 when none is to fail. */
    public int nth() {
        return nth;
    }

    public void setNth(int calls) {
        nth = calls;
    }

    /** Whether failures that are limited to chosen tasks are meant for this one (/proc/PID/make-it-fail). */
    public boolean wanted() {
        return wanted;
    }

    public void setWanted(boolean chosen) {
        wanted = chosen;
    }
}
