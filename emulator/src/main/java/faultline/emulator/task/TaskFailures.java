package faultline.emulator.task;

import java.util.concurrent.atomic.AtomicInteger;

/** What a task is told of fault injection through /proc, as a kernel with CONFIG_FAULT_INJECTION has it. Any thread. */
public final class TaskFailures {
    private final AtomicInteger nth = new AtomicInteger();
    private volatile boolean wanted;

    /**
     * How many injectable calls remain until one fails (/proc/PID/task/TID/fail-nth), unsigned; 0 when none is to fail.
     */
    public int nth() {
        return nth.get();
    }

    public void setNth(int calls) {
        nth.set(calls);
    }

    /** Counts an injectable call of the task, unless none is to fail; true when this is the one. */
    public boolean countNth() {
        return nth.getAndUpdate(left -> left == 0 ? 0 : left - 1) == 1;
    }

    /** Whether failures that are limited to chosen tasks are meant for this one (/proc/PID/make-it-fail). */
    public boolean wanted() {
        return wanted;
    }

    public void setWanted(boolean chosen) {
        wanted = chosen;
    }
}
