package faultline.emulator.task;

import faultline.emulator.cgroup.Cgroup;
import faultline.emulator.fs.FdTable;
import faultline.emulator.fs.FsContext;
import faultline.emulator.signal.GroupSignals;
import faultline.emulator.signal.SigInfo;
import faultline.emulator.signal.SignalHandlers;
import faultline.emulator.signal.Signals;
import faultline.mmu.annotation.KernelFunction;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A thread group: tasks that share an address space and signal handlers, and mostly files.
 *
 * <p>Family (parent, children, group, session) is guarded by {@link Kernel#familyLock()}, taken before a process'
 * handlers' monitor. The rest is either final, guarded as its own class says, or changed only by execve of the process'
 * last task.
 */
public final class Process {
    /** Anonymous memory, private and shared, first pages of programs, and private huge pages. */
    private static final int DEFAULT_COREDUMP_FILTER = 0x33;

    /** Nanoseconds that sleeps may be late unless PR_SET_TIMERSLACK says otherwise. */
    private static final int DEFAULT_TIMER_SLACK = 50_000;

    private static final int COREDUMP_FILTER_BITS = 0x1ff;

    private final Kernel kernel;
    private final int pid;
    private final Rlimits rlimits;
    private final GroupSignals group = new GroupSignals();
    private final List<Task> tasks = new CopyOnWriteArrayList<>();
    private final WaitQueue childEvents = new WaitQueue();
    private final ProcessTimes times = new ProcessTimes(this);
    private final IntervalTimers intervalTimers = new IntervalTimers(this);
    private final PosixTimers posixTimers = new PosixTimers(this);

    private volatile SignalHandlers handlers;
    private volatile UserSpace space;
    private volatile Task leader;
    private volatile ExecInfo exec = ExecInfo.NONE;
    private volatile int personality;
    private volatile int dumpable = 1;
    private volatile boolean noNewPrivileges;
    private volatile boolean childSubreaper;
    private volatile int timerSlack = DEFAULT_TIMER_SLACK;
    private volatile int defaultTimerSlack = DEFAULT_TIMER_SLACK;
    private volatile int parentDeathSignal;
    private volatile int oomScoreAdj;
    private volatile boolean oomOrigin;
    private volatile Cgroup cgroup;
    private volatile int coredumpFilter = DEFAULT_COREDUMP_FILTER;
    private volatile int membarrier;
    private volatile boolean handlersShared;
    private volatile DumpWait dump;

    // family; guarded by the kernel's family lock
    private volatile Process parent;
    private final List<Process> children = new ArrayList<>();
    private final List<Task> tracees = new ArrayList<>();
    private volatile int groupId;
    private volatile int sessionId;
    private int exitSignal = Signals.SIGCHLD;
    private volatile boolean zombie;
    private int waitStatus;
    private int threadsKept;
    /** Descriptors of this process; guards itself. */
    private final List<PidFile> watchers = new ArrayList<>();

    private boolean watchersTold;
    private int unreportedChange;
    private boolean execed;

    Process(Kernel kernel, int pid, SignalHandlers handlers, Rlimits rlimits) {
        this.kernel = kernel;
        this.pid = pid;
        this.handlers = handlers;
        this.rlimits = rlimits;
        this.cgroup = kernel.cgroups().root();
        this.groupId = pid;
        this.sessionId = pid;
    }

    /** The machine. */
    public Kernel kernel() {
        return kernel;
    }

    /** The thread group's id: what getpid(2) answers. */
    public int pid() {
        return pid;
    }

    /** The resource limits. */
    public Rlimits rlimits() {
        return rlimits;
    }

    /** Actions and lock of the signals. */
    public SignalHandlers handlers() {
        return handlers;
    }

    /** Signals sent to the process, and its end. */
    public GroupSignals group() {
        return group;
    }

    /** The tasks that have not ended, the oldest first. Any thread; a snapshot when iterated. */
    public List<Task> tasks() {
        return tasks;
    }

    /** The task whose id is the process'. Stays after its end until the process ends. */
    public Task leader() {
        return leader;
    }

    void setLeader(Task task) {
        leader = task;
    }

    /** Memory and engine; null once the process has ended. */
    public UserSpace space() {
        return space;
    }

    void setSpace(UserSpace newSpace) {
        if (newSpace != null) {
            newSpace.mm().setMemCgroup(cgroup.effectiveMemory());
        }
        space = newSpace;
    }

    /** The leader's descriptors, as /proc and pidfd_getfd show them. */
    public FdTable files() {
        return leader.files();
    }

    /** What execve does to actions that another process shares. */
    void unshareHandlers() {
        if (handlersShared) {
            handlers = handlers.copy();
            handlersShared = false;
        }
    }

    void shareHandlers() {
        handlersShared = true;
    }

    /** The leader's root, working directory and umask, as /proc shows them. */
    public FsContext fs() {
        return leader.fs();
    }

    /** What was executed: path, arguments, auxiliary vector, for /proc. */
    public ExecInfo exec() {
        return exec;
    }

    void setExec(ExecInfo info) {
        exec = info;
    }

    /** Processor time and counts, of its own and of children waited for. */
    public ProcessTimes times() {
        return times;
    }

    /** Timers of setitimer(2) and alarm(2). */
    public IntervalTimers intervalTimers() {
        return intervalTimers;
    }

    /** Timers of timer_create(2). */
    public PosixTimers posixTimers() {
        return posixTimers;
    }

    /** Bits of personality(2). */
    public int personality() {
        return personality;
    }

    /** Sets the bits of personality(2). */
    public void setPersonality(int bits) {
        personality = bits;
    }

    /** Whether it may be dumped and looked into: 0, 1 or, by fs.suid_dumpable, 2. */
    public int dumpable() {
        return dumpable;
    }

    /** Sets what {@link #dumpable} tells. */
    public void setDumpable(int value) {
        dumpable = value;
    }

    /** Whether execve gives no rights any more (PR_SET_NO_NEW_PRIVS). */
    public boolean noNewPrivileges() {
        return noNewPrivileges;
    }

    /** From now on execve gives no rights; for good. */
    public void setNoNewPrivileges() {
        noNewPrivileges = true;
    }

    /** Whether orphans below it become its children (PR_SET_CHILD_SUBREAPER). */
    public boolean childSubreaper() {
        return childSubreaper;
    }

    /** Sets whether orphans below it become its children. */
    public void setChildSubreaper(boolean on) {
        childSubreaper = on;
    }

    /** Nanoseconds by which sleeps may be late, as PR_SET_TIMERSLACK says. */
    public int timerSlack() {
        return timerSlack;
    }

    /** @param nanos 0 for what the parent had when it made this process */
    public void setTimerSlack(int nanos) {
        timerSlack = nanos == 0 ? defaultTimerSlack : nanos;
    }

    /** The signal it gets when its parent ends; 0 for none. */
    public int parentDeathSignal() {
        return parentDeathSignal;
    }

    /** Sets the signal for the end of its parent, 0 for none. */
    public void setParentDeathSignal(int signal) {
        parentDeathSignal = signal;
    }

    /** -1000..1000, as /proc/PID/oom_score_adj shows it. */
    public int oomScoreAdj() {
        return oomScoreAdj;
    }

    /** Sets oom_score_adj, -1000 to 1000. */
    public void setOomScoreAdj(int value) {
        oomScoreAdj = value;
    }

    /** Whether it is the first to be killed when memory is short, for what it is doing: swapoff(2). */
    @KernelFunction(value = "oom_task_origin", file = "include/linux/oom.h")
    public boolean isOomOrigin() {
        return oomOrigin;
    }

    public void setOomOrigin(boolean origin) {
        oomOrigin = origin;
    }

    /** Its control group; changed under the hierarchy's monitor. Stays when the process has ended. */
    public Cgroup cgroup() {
        return cgroup;
    }

    /** Moves it to a control group. Caller is {@code Cgroups}. */
    public void setCgroup(Cgroup group) {
        cgroup = group;
    }

    /** Which mappings a core dump holds: bits of core(5), as /proc/PID/coredump_filter shows them. */
    public int coredumpFilter() {
        return coredumpFilter;
    }

    /** Sets coredump_filter: which mappings a core file has. */
    public void setCoredumpFilter(int bits) {
        coredumpFilter = bits & COREDUMP_FILTER_BITS;
    }

    /** A core dump begins: tasks that end from now on wait for it. Caller holds the handlers' monitor. */
    public void beginDump(Task dumper) {
        dump = new DumpWait(dumper);
    }

    /** Where tasks wait for the core dump under way; null when there is none. */
    public DumpWait dump() {
        return dump;
    }

    /** Remembers that the program announced a kind of membarrier(2). */
    public void registerMembarrier(int command) {
        membarrier |= command;
    }

    /** The commands that {@link #registerMembarrier} was called with, a bit each. */
    public int membarrier() {
        return membarrier;
    }

    /** What fork copies besides memory, files and signals. */
    void inherit(Process from) {
        exec = from.exec;
        personality = from.personality;
        dumpable = from.dumpable;
        noNewPrivileges = from.noNewPrivileges;
        timerSlack = from.timerSlack;
        defaultTimerSlack = from.timerSlack;
        oomScoreAdj = from.oomScoreAdj;
        coredumpFilter = from.coredumpFilter;
        membarrier = from.membarrier;
        groupId = from.groupId;
        sessionId = from.sessionId;
    }

    // ---- family -------------------------------------------------------------------------------------------------

    /** Null for process 1 alone. Caller holds the family lock. */
    public Process parent() {
        return parent;
    }

    /** What getppid(2) answers. */
    public int parentPid() {
        synchronized (kernel.familyLock()) {
            return parent == null ? 0 : parent.pid;
        }
    }

    void setParent(Process newParent) {
        parent = newParent;
    }

    /** Living and zombie children. Caller holds the family lock. */
    public List<Process> children() {
        return children;
    }

    /** Tasks that this process traces. Caller holds the family lock. */
    public List<Task> tracees() {
        return tracees;
    }

    /** A traced thread begins to end: its tracer shall know before the process' end is told. Family lock held. */
    public void keepThread() {
        threadsKept++;
    }

    void dropThread() {
        threadsKept--;
    }

    /** Whether it is a zombie that none of its threads holds back any more. Caller holds the family lock. */
    @KernelFunction(value = "delay_group_leader", file = "kernel/signal.c")
    public boolean canBeReaped() {
        return zombie && threadsKept == 0;
    }

    /** Id of its process group. Changes under the family lock. */
    public int groupId() {
        return groupId;
    }

    /** Moves it to a process group. Caller holds the family lock. */
    public void setGroupId(int id) {
        groupId = id;
    }

    /** Id of its session. Changes under the family lock. */
    public int sessionId() {
        return sessionId;
    }

    /** Moves it to a session. Caller holds the family lock. */
    public void setSessionId(int id) {
        sessionId = id;
    }

    /** Whether execve has happened since fork: setpgid of a child then fails. */
    public boolean execed() {
        return execed;
    }

    void setExeced() {
        execed = true;
    }

    /** The signal that the parent gets when this process ends; 0 for none. */
    public int exitSignal() {
        return exitSignal;
    }

    void setExitSignal(int signal) {
        exitSignal = signal;
    }

    /** Ended, but not waited for. Caller holds the family lock. */
    public boolean zombie() {
        return zombie;
    }

    /** As wait4(2) reports it, once {@link #zombie}. */
    public int waitStatus() {
        return waitStatus;
    }

    void becomeZombie(int status) {
        zombie = true;
        waitStatus = status;
    }

    /** A stop or continuation that wait has not reported: CLD_STOPPED, CLD_CONTINUED or 0. Family lock held. */
    public int unreportedChange() {
        return unreportedChange;
    }

    /** Notes a stop or a continuation for wait(2), 0 for none. Caller holds the family lock. */
    public void setUnreportedChange(int code) {
        unreportedChange = code;
    }

    /** Tasks of this process that wait for children. */
    public WaitQueue childEvents() {
        return childEvents;
    }

    /** Whether nobody could continue this process if the terminal stopped it (orphaned process group). */
    public boolean isOrphaned() {
        return kernel.isOrphanedGroup(groupId, null);
    }

    // ---- descriptors of this process ----------------------------------------------------------------------------

    void addWatcher(PidFile file) {
        synchronized (watchers) {
            watchers.add(file);
            if (watchersTold) {
                file.noteEnd();
            }
        }
    }

    void removeWatcher(PidFile file) {
        synchronized (watchers) {
            watchers.remove(file);
        }
    }

    /** The process is a zombie: its descriptors are readable. */
    void tellWatchers() {
        synchronized (watchers) {
            watchersTold = true;
            watchers.forEach(PidFile::noteEnd);
        }
    }

    /** The process was waited for: its descriptors are hung up. */
    void hangUpWatchers() {
        synchronized (watchers) {
            watchers.forEach(PidFile::hangUp);
        }
    }

    /**
     * Tells the parent of a stop or continuation: SIGCHLD, and wait4 with WUNTRACED or WCONTINUED. Caller holds no
     * monitor of a process.
     */
    @KernelFunction(value = "do_notify_parent_cldstop", file = "kernel/signal.c")
    public void reportToParent(int code, int signal) {
        synchronized (kernel.familyLock()) {
            unreportedChange = code;
            if (this != kernel.first()) {
                FamilyNotice.change(parent, leader, code, signal);
                return;
            }
        }
        if (code == SigInfo.CLD_STOPPED) {
            kernel.stopHost(signal);
        }
    }
}
