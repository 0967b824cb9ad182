package faultline.emulator.ptrace;

import faultline.emulator.signal.SigInfo;
import faultline.emulator.task.Process;
import faultline.mmu.annotation.KernelFunction;

/**
 * What a traced task has besides an untraced one: who traces it, with which options, and the stop it is in. All of it
 * guarded by the kernel's family lock, unless a field is volatile; the traps that are due are changed under the monitor
 * of the task's signal handlers, as all of job control is.
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

    /** What DR6 shows where nothing has happened: its bits that are always set (DR6_RESERVED). */
    private static final long NO_DEBUG_EVENT = 0xffff_0ff0L;

    private final Process tracer;
    private final boolean seized;
    private int options;
    private int stopCode;
    private boolean unreported;
    private SigInfo info;
    private long message;
    private int injected;
    private volatile boolean stopped;
    private volatile boolean listening;
    private volatile Resume resume = Resume.CONT;
    private volatile Phase phase = Phase.NONE;
    private volatile boolean passedGroupStop;
    private volatile boolean interrupted;
    private volatile boolean groupChanged;
    private long debugStatus = NO_DEBUG_EVENT;
    private long debugControl;
    private boolean ending;
    private boolean ended;
    private volatile boolean endsAlone;

    /**
     * A task that is traced from now on.
     *
     * @param seized whether by PTRACE_SEIZE, or as the child of such a one: group stops are told as events
     */
    Tracee(Process tracer, boolean seized, int options) {
        this.tracer = tracer;
        this.seized = seized;
        this.options = options;
    }

    /** Who is told of stops, and may make requests. */
    public Process tracer() {
        return tracer;
    }

    boolean seized() {
        return seized;
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

    /** The process is stopped anew, or goes on: that is told again. Caller holds the handlers' monitor. */
    @KernelFunction(value = "ptrace_trap_notify", file = "kernel/signal.c")
    public void groupChanges() {
        passedGroupStop = false;
        groupChanged = seized;
    }

    /** The task is to stop for its tracer at the next occasion. Caller holds the handlers' monitor. */
    void interrupt() {
        interrupted = true;
    }

    /** Whether the task is to stop because of its tracer, or because the state of its process changed. Any thread. */
    public boolean trapDue() {
        return interrupted || groupChanged;
    }

    /**
     * The task is about to tell what was due. Caller holds the handlers' monitor, under which it found it due: a stop
     * of the process that begins later is told anew.
     *
     * @param groupStopped whether the process is stopped, which the task tells now
     */
    public void takeTraps(boolean groupStopped) {
        interrupted = false;
        groupChanged = false;
        passedGroupStop = groupStopped;
    }

    /** Whether its process has to wait with its own end for the tracer to know of the thread's. */
    boolean holdsProcess() {
        return ending;
    }

    /** The task, a thread that is not its process' leader, begins to end. */
    void holdProcess() {
        ending = true;
    }

    /** Whether the task, a thread that is not its process' leader, is a zombie, which waits for its tracer. */
    public boolean ended() {
        return ended;
    }

    /** The task begins to end while its process does not: if that is killed, its last stop is over. */
    void endAlone() {
        endsAlone = true;
    }

    /** Whether the task began to end while its process did not. Any thread. */
    public boolean endsAlone() {
        return endsAlone;
    }

    void end() {
        ended = true;
    }

    /** Whether the tracer may make requests that need the task to stand still. Any thread. */
    boolean takesRequests() {
        return stopped && !listening;
    }

    /** The task stands still until something about its process changes, or the tracer interrupts it. */
    void listen() {
        listening = true;
    }

    /** Whether the task waits no longer: resumed, or listening with something new to tell. Any thread. */
    boolean stopIsOver() {
        return !stopped || listening && trapDue();
    }

    /** Whether the stop is one of an event. */
    boolean stoppedBy(int event) {
        return stopped && stopCode >> 8 == event;
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
     * A stop begins. Caller holds the handlers' monitor, too: a trap that is asked for from now on comes after it.
     *
     * @param code the signal, with an event above it, as wait4(2) shows both above its lowest byte
     * @param what the signal's information; null for a group stop, which has none
     * @param about what PTRACE_GETEVENTMSG answers
     */
    void beginStop(int code, SigInfo what, long about) {
        interrupted = false; // any stop is what the tracer wanted
        stopCode = code;
        info = what;
        message = about;
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
        listening = false;
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

    /** DR6, which nothing but the tracer changes. Of a stopped task, by its tracer. */
    long debugStatus() {
        return debugStatus;
    }

    void setDebugStatus(long bits) {
        debugStatus = bits;
    }

    /** DR7, which enables nothing. Of a stopped task, by its tracer. */
    long debugControl() {
        return debugControl;
    }

    void setDebugControl(long bits) {
        debugControl = bits;
    }

    /** What PTRACE_GETEVENTMSG answers. */
    long message() {
        return message;
    }
}
