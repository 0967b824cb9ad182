package faultline.emulator.ptrace;

import faultline.emulator.signal.SigInfo;
import faultline.emulator.task.Process;

/**
 * What a traced task has besides an untraced one: who traces it, with which options, and the stop it is in. All of it
 * guarded by the kernel's family lock, unless a field is volatile.
 */
public final class Tracee {
    /** How a stopped task goes on. */
    public enum Resume {
        CONT,
        /** Up to the next entry or exit of a system call. */
        SYSCALL,
        /** One instruction. */
        SINGLESTEP
    }

    /** Where in a system call the task stands still, as PTRACE_GET_SYSCALL_INFO numbers it. */
    enum Phase {
        NONE,
        ENTRY,
        EXIT
    }

    private final Process tracer;
    private int options;
    private int stopCode;
    private boolean unreported;
    private SigInfo info;
    private long message;
    private int injected;
    private volatile boolean stopped;
    private volatile Resume resume = Resume.CONT;
    private volatile Phase phase = Phase.NONE;
    private volatile boolean passedGroupStop;

    Tracee(Process tracer, int options) {
        this.tracer = tracer;
        this.options = options;
    }

    /** Who is told of stops, and may make requests. */
    public Process tracer() {
        return tracer;
    }

    int options() {
        return options;
    }

    boolean has(int option) {
        return (options & option) != 0;
    }

    void setOptions(int bits) {
        options = bits;
    }

    /** Whether the task stands still for its tracer. Any thread. */
    public boolean isStopped() {
        return stopped;
    }

    /** Whether the task has been resumed though its process is stopped by job control. Any thread. */
    public boolean passedGroupStop() {
        return passedGroupStop;
    }

    /** The process is stopped anew, or goes on: the next group stop is told again. */
    public void forgetGroupStop() {
        passedGroupStop = false;
    }

    void passGroupStop() {
        passedGroupStop = true;
    }

    /** Whether the tracer wants to see system calls. Any thread. */
    boolean stopsAtCalls() {
        return resume == Resume.SYSCALL;
    }

    /** Whether the task is to stop after each instruction. Any thread. */
    public boolean steps() {
        return resume == Resume.SINGLESTEP;
    }

    Phase phase() {
        return phase;
    }

    /** By the task itself. */
    void setPhase(Phase now) {
        phase = now;
    }

    /**
     * A stop begins.
     *
     * @param code the signal, with an event above it, as wait4(2) shows both above its lowest byte
     * @param what the signal's information; null for a group stop, which has none
     */
    void beginStop(int code, SigInfo what) {
        stopCode = code;
        info = what;
        injected = code & 0x7f;
        unreported = true;
        stopped = true;
    }

    /**
     * Lets the task go on.
     *
     * @param signal what it is to get, 0 for nothing
     */
    void resume(int signal, Resume how) {
        injected = signal;
        resume = how;
        endStop();
    }

    void endStop() {
        unreported = false;
        stopped = false;
    }

    /** The stop that wait4(2) has not told the tracer of, or 0. */
    public int unreportedStop() {
        return unreported ? stopCode : 0;
    }

    /** The tracer knows of the stop. */
    public void reported() {
        unreported = false;
    }

    /** The signal that the tracer resumed the task with, 0 for none. */
    int injected() {
        return injected;
    }

    SigInfo info() {
        return info;
    }

    void setInfo(SigInfo what) {
        info = what;
    }

    /** What PTRACE_GETEVENTMSG answers. */
    long message() {
        return message;
    }

    void setMessage(long what) {
        message = what;
    }
}
