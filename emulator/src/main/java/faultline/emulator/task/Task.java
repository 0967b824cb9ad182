package faultline.emulator.task;

import faultline.emulator.cpu.CpuState;
import faultline.emulator.fs.Caller;
import faultline.emulator.fs.FdTable;
import faultline.emulator.fs.FsContext;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.ptrace.Tracee;
import faultline.emulator.seccomp.SeccompState;
import faultline.emulator.signal.SignalFrame;
import faultline.emulator.signal.SignalState;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.fault.FaultContext;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.policy.Mempolicy;
import java.util.function.LongSupplier;

/**
 * One thread of a guest process: a Java platform thread, whose stack is its kernel stack.
 *
 * <p>How a system call waits. Inside the JVM (futex, child processes, timers): {@link #signalPending} and {@link #park}
 * in a loop around the condition, as the kernel does with {@code schedule()}; whoever makes the condition true calls
 * {@link #wake}. On a host descriptor: {@link #blockInterruptibly}.
 *
 * <p>Unless a method says otherwise it is called on the task's own thread.
 */
public final class Task implements Caller {
    /** No system call: {@code orig_rax} as the kernel has it after sigreturn and faults. */
    private static final long NO_SYSCALL = -1;

    private volatile int tid;
    private final Process process;
    private final CpuState cpuState;
    private final FaultContext fault;
    private final TaskMemory user;
    private final SignalState signals = new SignalState();
    private final SignalFrame signalFrame = new SignalFrame();
    private final TaskTimes times = new TaskTimes();
    private final Scheduling scheduling = new Scheduling();
    private final SeededTurn turn = new SeededTurn();
    private final SchedEntity entity = new SchedEntity(this);
    private final Rseq rseq = new Rseq(this);

    private volatile Thread thread;
    private volatile int hostTid;
    private volatile boolean signalDue;
    private volatile boolean sleeping;
    private volatile boolean killed;
    private volatile boolean exiting;
    private volatile Tracee tracee;
    private volatile Runnable interrupter;
    private volatile String name = "";
    private final TaskFailures failures = new TaskFailures();
    private volatile FdTable files;
    private volatile FsContext fs;
    private volatile Credentials credentials;
    private volatile Mempolicy mempolicy;
    private volatile SeccompState seccomp = SeccompState.DISABLED;
    private volatile FutexExit futexExit = FutexExit.ALIVE;

    private long syscallNumber = NO_SYSCALL;
    private RestartBlock restartBlock = RestartBlock.NONE;
    private int exitStatus;
    private long clearChildTid;
    private long robustList;
    private VforkWait vfork;

    Task(int tid, Process process, CpuState cpuState, FaultContext fault) {
        this.tid = tid;
        this.process = process;
        this.cpuState = cpuState;
        this.fault = fault;
        fault.sleeper = new TaskSleeper(this);
        // the maker's thread makes the task's: that inherits
        this.credentials = Credentials.ofThread();
        this.user = new UserTaskMemory(this, process.kernel().memory().userMemory());
    }

    /** The task that runs on the calling thread, or null. */
    public static Task currentOrNull() {
        return Thread.currentThread() instanceof TaskThread t ? t.task() : null;
    }

    /** What gettid(2) answers; the first task's equals its process' pid. */
    @Override
    public int tid() {
        return tid;
    }

    /** An execve by another task than the leader: takes over the leader's id. */
    void setTid(int id) {
        tid = id;
    }

    @Override
    public int pid() {
        return process.pid();
    }

    /** The process that it is a thread of. */
    public Process process() {
        return process;
    }

    /** The machine. */
    public Kernel kernel() {
        return process.kernel();
    }

    /** The registers that guest code runs on; valid while this task does not run guest code. */
    public CpuState cpuState() {
        return cpuState;
    }

    /** Faults of this task: cursor, results and counts. */
    public FaultContext fault() {
        return fault;
    }

    /** The address space; changes only in execve. */
    public MmStruct mm() {
        return process.space().mm();
    }

    /** This task's descriptors: with CLONE_FILES those of others, too. Any thread. */
    public FdTable files() {
        return files;
    }

    /** This task's root, working directory and umask: with CLONE_FS those of others, too. Any thread. */
    public FsContext fs() {
        return fs;
    }

    /** Gives a task that does not run yet what it uses; the references are the task's from now on. */
    void setFiles(FdTable table, FsContext context) {
        files = table;
        fs = context;
    }

    /** From now on changes of descriptors are this task's own (unshare(2) with CLONE_FILES, and execve). */
    @KernelFunction(value = "unshare_files", file = "kernel/fork.c")
    public void unshareFiles() {
        FdTable shared = files;
        if (shared.sharers() > 1) {
            files = shared.copy();
            shared.put();
        }
    }

    /** From now on the working directory and the umask are this task's own (unshare(2) with CLONE_FS). */
    @KernelFunction(value = "unshare_fs", file = "kernel/fork.c")
    public void unshareFs() {
        FsContext shared = fs;
        if (shared.sharers() > 1) {
            fs = shared.copy();
            shared.put();
        }
    }

    /** The task needs no files any more; the last user of a table closes them. */
    void releaseFiles() {
        files.put();
        fs.put();
    }

    /** This task's view of guest memory. */
    public TaskMemory user() {
        return user;
    }

    /** Any thread. */
    public Credentials credentials() {
        return credentials;
    }

    /** Gives a task that never runs whose it is. */
    void setCredentials(Credentials whose) {
        credentials = whose;
    }

    /** The task has changed its ids. */
    public void noteCredentials() {
        credentials = Credentials.ofThread();
    }

    /** Its signal mask and pending signals. */
    public SignalState signals() {
        return signals;
    }

    /** Who builds and undoes its signal frames. */
    public SignalFrame signalFrame() {
        return signalFrame;
    }

    /** Restartable sequences. */
    public Rseq rseq() {
        return rseq;
    }

    /** Its processor time and counts. */
    public TaskTimes times() {
        return times;
    }

    /** Its policy, priority and nice value. */
    public Scheduling scheduling() {
        return scheduling;
    }

    /** The memory policy of mappings that have none of their own; null for the default one. Any thread. */
    public Mempolicy mempolicy() {
        return mempolicy;
    }

    /** Sets its memory policy; its own thread only. */
    public void setMempolicy(Mempolicy policy) {
        mempolicy = policy;
    }

    /** What decides about this task's system calls. Any thread. */
    public SeccompState seccomp() {
        return seccomp;
    }

    /** Of a task that may run already: the monitor of the process' handlers held, as seccomp(2) with TSYNC needs it. */
    public void setSeccomp(SeccompState state) {
        seccomp = state;
    }

    /** The name that prctl(PR_SET_NAME) sets and /proc shows, at most 15 bytes. Any thread. */
    public String name() {
        return name;
    }

    /** Sets the name that /proc shows, of 15 bytes at most. */
    public void setName(String newName) {
        name = newName.length() > 15 ? newName.substring(0, 15) : newName;
    }

    /**
     * Whether the task waits for something that has not come yet (TASK_INTERRUPTIBLE, as /proc shows it). Any thread.
     */
    public boolean isSleeping() {
        return sleeping && !signalDue;
    }

    // ---- waiting and waking -------------------------------------------------------------------------------------

    /**
     * Whether a signal waits that this task must act on (TIF_SIGPENDING): a blocking call then ends early, with what it
     * has done so far or with one of {@link faultline.emulator.syscall.Restart}'s codes. Any thread.
     */
    @Override
    public boolean signalPending() {
        return signalDue;
    }

    /** For the signal code, which holds the handlers' monitor. */
    public void setSignalDue(boolean due) {
        signalDue = due;
    }

    /**
     * Waits in the JVM until {@link #wake}, a signal, or the time is over; may return early for no reason, so call it
     * in a loop around the condition.
     *
     * @param nanos the most to wait; {@code Long.MAX_VALUE} for no limit
     */
    public void park(long nanos) {
        if (!signalDue) {
            parkUninterruptibly(nanos);
        }
    }

    /** As {@link #park}, but a signal does not keep it from waiting. */
    public void parkUninterruptibly(long nanos) {
        sleeping = true;
        times.noteWait();
        kernel().cpu().park(this, nanos);
        sleeping = false;
    }

    /** Ends one {@link #park}, the current or the next one. Any thread. */
    public void wake() {
        sleeping = false;
        kernel().cpu().wake(this);
    }

    @Override
    public boolean blockInterruptibly(Runnable wait, Runnable wakeUp) {
        interrupter = wakeUp;
        try {
            if (signalDue) {
                return false;
            }
            sleeping = true;
            times.noteWait();
            kernel().cpu().idle();
            wait.run();
            return true;
        } finally {
            sleeping = false;
            interrupter = null;
        }
    }

    @Override
    public boolean pollsHost() {
        return kernel().cpu().pollsHost();
    }

    @Override
    public long awaitReady(LongSupplier look, long nanos) {
        sleeping = true;
        try {
            return kernel().cpu().awaitReady(this, look, nanos);
        } finally {
            sleeping = false;
        }
    }

    /** A time for measuring waits: the host's, or with a seed the virtual one. */
    @Override
    public long nanoTime() {
        KernelClock clock = kernel().clock();
        return clock.isVirtual() ? clock.now(KernelClock.MONOTONIC) : System.nanoTime();
    }

    /** Charges this task with what it has run; under the run queue's lock. Any thread. */
    SchedEntity charged(long now) {
        entity.charge(times.guestNanos(now), scheduling.nice());
        return entity;
    }

    /** Where this task stands in a seeded schedule; under that schedule's lock. */
    SeededTurn turn() {
        return turn;
    }

    /** Makes this task act on its signals soon: sets the flag, ends its wait, stops its guest code. Any thread. */
    public void signalWake() {
        signalDue = true;
        Runnable wakeUp = interrupter;
        if (wakeUp != null) {
            wakeUp.run();
        }
        wake();
        // the task looks at the flag after it has become the owner and before it enters guest code: either it sees the
        // flag, or we see it as the owner
        if (kernel().cpu().owner() == this) {
            stopGuest();
        }
    }

    /** Stops guest code of this task, if it runs. Any thread; a stop too many is harmless. */
    void stopGuest() {
        UserSpace space = process.space();
        if (space != null) {
            space.engine().requestStop();
        }
    }

    // ---- the system call in progress ----------------------------------------------------------------------------

    /** Whether the registers are those of a system call whose result may still ask for a restart. */
    public boolean inSyscall() {
        return syscallNumber != NO_SYSCALL;
    }

    /** The number of the call in progress. */
    public long syscallNumber() {
        return syscallNumber;
    }

    /** A system call begins, or its tracer says that another one does; -1 for none. */
    public void enterSyscall(long number) {
        syscallNumber = number;
    }

    /** From here on the registers stand for themselves: nothing is restarted. */
    public void leaveSyscall() {
        syscallNumber = NO_SYSCALL;
    }

    /** Who traces this task and how; null when nobody does. Any thread. */
    public Tracee tracee() {
        return tracee;
    }

    /** Caller holds the family lock. */
    public void setTracee(Tracee tracing) {
        tracee = tracing;
    }

    /** What restart_syscall(2) goes on with. */
    public RestartBlock restartBlock() {
        return restartBlock;
    }

    /** How an interrupted call goes on (restart_syscall); null for none. */
    public void setRestartBlock(RestartBlock block) {
        restartBlock = block;
    }

    /** Which of its calls are to fail. */
    public TaskFailures failures() {
        return failures;
    }

    // ---- the end ------------------------------------------------------------------------------------------------

    /** Whether the task has begun to end. Any thread. */
    public boolean isExiting() {
        return exiting;
    }

    /** Ends this task when it is back from its system call. */
    public void exit(int status) {
        exitStatus = status;
        exiting = true;
    }

    /** As wait4(2) encodes it. */
    public int exitStatus() {
        return exitStatus;
    }

    /** Whether another task has asked this one alone to end (execve of a sibling). Any thread. */
    public boolean killed() {
        return killed;
    }

    void kill() {
        killed = true;
        signalWake();
    }

    /** Where to write 0 and wake a futex when the task ends (CLONE_CHILD_CLEARTID); 0 for nowhere. */
    public long clearChildTid() {
        return clearChildTid;
    }

    /** Sets what set_tid_address gave, 0 for none. */
    public void setClearChildTid(long address) {
        clearChildTid = address;
    }

    /** Head of the list of robust futexes; 0 for none. */
    public long robustList() {
        return robustList;
    }

    /** Sets the head of its robust futexes, 0 for none. */
    public void setRobustList(long head) {
        robustList = head;
    }

    /** Whether this task still owns futexes. Any thread. */
    public FutexExit futexExit() {
        return futexExit;
    }

    /** Sets how far its exit has come, as to futexes. */
    public void setFutexExit(FutexExit state) {
        futexExit = state;
    }

    VforkWait vfork() {
        return vfork;
    }

    void setVfork(VforkWait wait) {
        vfork = wait;
    }

    /** The host's id of the thread that the task is; 0 before it runs. Any thread. */
    public int hostTid() {
        return hostTid;
    }

    /** Called by the task's thread when it starts. */
    void noteHostTid() {
        hostTid = (int) Libc.call(Nr.GETTID);
    }

    void bindThread(Thread owner) {
        thread = owner;
    }

    Thread thread() {
        return thread;
    }
}
