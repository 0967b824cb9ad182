package faultline.emulator.task;

import faultline.emulator.cgroup.Cgroups;
import faultline.emulator.core.CoreSettings;
import faultline.emulator.cpu.CpuOptions;
import faultline.emulator.cpu.CpuPool;
import faultline.emulator.cpu.CpuState;
import faultline.emulator.fs.RecordLocks;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.signal.FileOwners;
import faultline.emulator.signal.SigInfo;
import faultline.emulator.signal.SignalSender;
import faultline.emulator.signal.Signals;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.syscall.futex.FutexTable;
import faultline.emulator.syscall.ipc.MessageTable;
import faultline.emulator.syscall.ipc.SemTable;
import faultline.emulator.syscall.ipc.ShmTable;
import faultline.emulator.syscall.mqueue.MqueueTable;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.fault.FaultContext;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.system.MemorySystem;
import java.lang.Thread.UncaughtExceptionHandler;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * One running machine: memory, processor, clock, system calls, and all tasks.
 *
 * <p>Lock order: {@link #familyLock()}, then a process' handlers' monitor, then the virtual CPU's queue.
 */
public final class Kernel implements AutoCloseable {
    /** Highest process id (/proc/sys/kernel/pid_max). */
    public static final int PID_MAX = 4_194_304;

    /**
     * How many tasks there may be (/proc/sys/kernel/threads-max). Each is a thread of the host's, whose stack takes
     * three of the 65530 mappings that an unconfigured host allows the emulator.
     */
    public static final int THREADS_MAX = 16384;

    private static final int SIGSTOP = 19;

    private final GuestSpec spec;
    private final MemorySystem memory;
    private final CpuPool pool;
    private final VirtualCpu cpu;
    private final KernelClock clock;
    private final GuestRandom random;
    private final CodePlaces codePlaces;
    private final TimerQueue timers;
    private final SyscallTable syscalls = new SyscallTable();
    private final OomKiller oomKiller = new OomKiller(this);
    private final FutexTable futexes = new FutexTable();
    private final ShmTable shm = new ShmTable(this);
    private final SemTable sem = new SemTable(this);
    private final MessageTable messages = new MessageTable(this);
    private final MqueueTable mqueues = new MqueueTable();
    private final MachineNames names;
    private final CoreSettings coreSettings = new CoreSettings();
    private final RecordLocks recordLocks = new RecordLocks();
    private final FileOwners fileOwners = new FileOwners(this);
    private final Terminals terminals = new Terminals(this);
    private final Cgroups cgroups;
    private final long bootNanos;

    private final PidAllocator pids;

    private final Object familyLock = new Object();
    /** Processes by id, zombies included. Written under the family lock. */
    private final Map<Integer, Process> processes = new ConcurrentHashMap<>();

    private final Map<Integer, Task> tasks = new ConcurrentHashMap<>();
    private final List<Runnable> closers = new ArrayList<>();

    private volatile Process init;
    private volatile Process launcher;
    private volatile Process first;
    private volatile int firstStatus;
    private final MachineEnd end = new MachineEnd(this);
    private final int uid = (int) Libc.call(Nr.GETUID);

    Kernel(GuestSpec spec, MemorySystem memory) {
        this.spec = spec;
        this.memory = memory;
        memory.reclaimer().setOutOfMemory(oomKiller::outOfMemory);
        this.clock = spec.seed() == null ? KernelClock.host() : KernelClock.virtual();
        this.names = new MachineNames(SystemIdentity.nodeName(spec.seed() != null));
        this.random = GuestRandom.of(spec.seed());
        this.codePlaces = new CodePlaces(random, spec.options().getOrDefault("aslr", "machine"));
        this.cgroups = new Cgroups(this, memory.cache().memCgroups());
        memory.cache().memCgroups().setOutOfMemory(oomKiller::outOfMemory);
        UncaughtExceptionHandler watch = (thread, mistake) -> end.panic(KernelPanic.in(thread, mistake));
        memory.setUncaughtExceptionHandler(watch);
        this.timers = new TimerQueue(clock, watch);
        if (spec.seed() != null) {
            memory.ksm().setWake(new KsmTurns(memory.ksm(), timers, clock)::wake);
        }
        this.cpu = spec.seed() == null ? new VirtualCpu(watch) : SeededCpu.of(spec.seed(), clock, timers);
        this.pool = new CpuPool(
                memory.phys().segment(),
                spec.seed() == null ? CpuOptions.defaults() : CpuOptions.deterministic(cpu::timestamp));
        memory.setInstructionCache(pool.instructionCache());
        this.bootNanos = clock.now(KernelClock.MONOTONIC);
        int firstPid = spec.seed() == null
                ? Math.max(StandIns.INIT + 1, (int) ProcessHandle.current().pid())
                : 1000 + (int) random.nextBelow(20_000);
        this.pids = new PidAllocator(this, firstPid);
    }

    /** What the machine was started with. */
    public GuestSpec spec() {
        return spec;
    }

    /** The memory manager. */
    public MemorySystem memory() {
        return memory;
    }

    /** Where the engines come from. */
    public CpuPool pool() {
        return pool;
    }

    /** Who may run guest code. */
    public VirtualCpu cpu() {
        return cpu;
    }

    /** The machine's clocks. */
    public KernelClock clock() {
        return clock;
    }

    /** Where everything random comes from. */
    public GuestRandom random() {
        return random;
    }

    /** Where execve puts code. */
    CodePlaces codePlaces() {
        return codePlaces;
    }

    /** What is to happen at a time. */
    public TimerQueue timers() {
        return timers;
    }

    /** The system calls by number. */
    public SyscallTable syscalls() {
        return syscalls;
    }

    /** Who waits on which futex. */
    public FutexTable futexes() {
        return futexes;
    }

    /** System V shared memory. */
    public ShmTable shm() {
        return shm;
    }

    /** The System V semaphores of this machine. */
    public SemTable sem() {
        return sem;
    }

    /** The System V message queues of this machine. */
    public MessageTable messages() {
        return messages;
    }

    /** The POSIX message queues of this machine. */
    public MqueueTable mqueues() {
        return mqueues;
    }

    /** What the machine is called. */
    public MachineNames names() {
        return names;
    }

    /** Where core files go. */
    public CoreSettings coreSettings() {
        return coreSettings;
    }

    /** The control groups of this machine. */
    public Cgroups cgroups() {
        return cgroups;
    }

    /** Who ends a process when memory is used up. */
    public OomKiller oomKiller() {
        return oomKiller;
    }

    /** The guest's POSIX record locks. */
    public RecordLocks recordLocks() {
        return recordLocks;
    }

    /** Whom open files signal. */
    public FileOwners fileOwners() {
        return fileOwners;
    }

    /** Who controls which terminal. */
    public Terminals terminals() {
        return terminals;
    }

    /** Whether everything random is a function of a seed. */
    public boolean isDeterministic() {
        return spec.seed() != null;
    }

    /** Who gives ids to tasks. */
    public PidAllocator pids() {
        return pids;
    }

    /** Nanoseconds since the machine started. */
    public long uptimeNanos() {
        return clock.now(KernelClock.MONOTONIC) - bootNanos;
    }

    /** The user that the guest's processes run as. */
    public int uid() {
        return uid;
    }

    /** Guards parents, children, process groups, sessions and zombies. */
    public Object familyLock() {
        return familyLock;
    }

    /** All processes, zombies included: a live view. */
    public Map<Integer, Process> processes() {
        return processes;
    }

    /** All tasks that have not ended, those of stand-ins included: a live view. */
    public Map<Integer, Task> tasks() {
        return tasks;
    }

    /** Runs {@code closer} when the machine is closed, after all tasks have ended, the last one given first. */
    public void onClose(Runnable closer) {
        closers.add(closer);
    }

    // ---- making tasks -------------------------------------------------------------------------------------------

    /** The first process that runs anything. */
    public Process first() {
        return first;
    }

    /** Process 1, who inherits orphans. */
    Process init() {
        return init;
    }

    /** The parent of {@link #first}, in whose place the emulator's own parent continues it. */
    Process launcher() {
        return launcher;
    }

    /** Makes those known that run nothing. */
    void addStandIns(Process one, Process parentOfFirst) {
        synchronized (familyLock) {
            init = one;
            launcher = parentOfFirst;
            for (Process process : new Process[] {init, launcher}) {
                processes.put(process.pid(), process);
                tasks.put(process.pid(), process.leader());
            }
        }
    }

    /** A task that is not running yet. */
    Task newTask(int tid, Process process) {
        return new Task(tid, process, new CpuState(), new FaultContext());
    }

    /** Makes a process known. */
    void add(Process process) {
        cgroups.adopt(process);
        synchronized (familyLock) {
            processes.put(process.pid(), process);
            if (first == null) {
                first = process;
                terminals.giveHostTerminal(process);
            }
        }
    }

    /**
     * A zombie has been waited for, or nobody will. Caller holds the family lock.
     *
     * <p>From here on nobody finds its last task either, which may be about to end only now: whoever has waited for a
     * process is told that there is none ({@code own_settings}).
     */
    void forget(Process process) {
        processes.remove(process.pid());
        tasks.remove(process.pid(), process.leader());
        cgroups.release(process);
        process.parent().children().remove(process);
        process.hangUpWatchers();
    }

    /** Starts a task's thread. */
    void start(Task task) {
        TaskThread thread = new TaskThread(task, new TaskLoop(task));
        task.bindThread(thread);
        tasks.put(task.tid(), task);
        cpu.starting(task);
        thread.start();
    }

    /** Gives a task another id: the only one left of its process becomes its leader. */
    void rename(Task task, int tid) {
        synchronized (familyLock) {
            tasks.remove(task.tid());
            task.setTid(tid);
            tasks.put(tid, task);
        }
    }

    /** An empty address space for a program, with an engine of its own; null without memory. */
    UserSpace newSpace(MmLimits limits, String program) {
        MmStruct mm = memory.newMm(limits);
        if (mm != null) {
            mm.setMemCgroup(Cgroups.memoryOfCurrent());
        }
        return mm == null ? null : new UserSpace(this, mm, pool.acquire(mm, memory.walker(), memory.faults(), program));
    }

    MmLimits limits(Process process) {
        return new ProcessLimits(process.rlimits());
    }

    /** Tears an address space down. Called once, by its last user. */
    void destroySpace(UserSpace space) {
        memory.exitMmap(space.mm());
        pool.release(space.engine());
    }

    // ---- the end ------------------------------------------------------------------------------------------------

    /** A task's thread has nothing left to do. */
    void taskGone(Task task) {
        synchronized (familyLock) {
            tasks.remove(task.tid(), task);
        }
        end.taskGone();
    }

    /** A process has ended; of the first one, keeps the status. */
    void processEnded(Process process, int status) {
        if (process == first) {
            firstStatus = status;
        }
    }

    /** How this machine ends. */
    MachineEnd end() {
        return end;
    }

    /**
     * Waits until all tasks have ended.
     *
     * @return the first process' status as wait4(2) encodes it
     * @throws KernelPanic when the emulator itself failed
     */
    int awaitEnd() {
        end.await();
        return firstStatus;
    }

    /** Ends all processes by SIGKILL. Any thread. */
    public void killAll() {
        for (Process process : processes.values()) {
            if (!process.zombie() && !process.group().unkillable()) {
                SignalSender.exitGroup(process, Signals.SIGKILL);
            }
        }
    }

    /** Sends a signal that the host's terminal or user sent to the emulator. */
    void signalFromHost(int signal) {
        Process target = first;
        if (target != null && !target.tasks().isEmpty()) {
            boolean key = signal == Signals.SIGINT
                    || signal == Signals.SIGQUIT
                    || signal == Signals.SIGTSTP
                    || signal == Signals.SIGWINCH;
            signalGroup(key ? terminals.hostForeground() : target.groupId(), SigInfo.kernel(signal), null);
        }
    }

    /** Sends a signal to the processes of a group, but not to {@code except}. Caller holds no monitor of a process. */
    void signalGroup(int group, SigInfo info, Process except) {
        for (Process process : processes.values()) {
            if (process.groupId() == group && process != except && !process.zombie()) {
                SignalSender.sendToProcess(process, info);
            }
        }
    }

    /**
     * Whether nobody in its session could continue a group: no member has a parent in the session and outside the
     * group. The answer is that of a moment.
     *
     * @param ignored a member that is about to end; null for none
     */
    @KernelFunction(value = "will_become_orphaned_pgrp", file = "kernel/exit.c")
    boolean isOrphanedGroup(int group, Process ignored) {
        for (Process process : processes.values()) {
            Process parent = process.parent();
            if (process.groupId() != group || process == ignored || process.zombie() || parent == init) {
                continue;
            }
            if (parent != null && parent.groupId() != group && parent.sessionId() == process.sessionId()) {
                return false;
            }
        }
        return true;
    }

    /** A group that has become orphaned with a member stopped is hung up and continued. */
    @KernelFunction(value = "kill_orphaned_pgrp", file = "kernel/exit.c")
    void hangUpIfOrphaned(int group, Process ignored) {
        if (!isOrphanedGroup(group, ignored)) {
            return;
        }
        for (Process process : processes.values()) {
            if (process.groupId() == group
                    && process != ignored
                    && process.group().stopped()) {
                signalGroup(group, SigInfo.kernel(Signals.SIGHUP), null);
                signalGroup(group, SigInfo.kernel(Signals.SIGCONT), null);
                return;
            }
        }
    }

    /** The first process was stopped: so is the emulator, until its own parent continues it. */
    void stopHost(int signal) {
        if (signal != 0) {
            Libc.call(Nr.KILL, Libc.call(Nr.GETPID), SIGSTOP);
            signalFromHost(Signals.SIGCONT);
        }
    }

    /** A fault that never finds memory, though nothing says that memory is used up: the process that asks has to go. */
    void outOfMemory(Task task) {
        SignalSender.exitGroup(task.process(), Signals.SIGKILL);
    }

    /** Takes the machine apart. One that a mistake has stopped stays as it is, for threads are still inside. */
    @Override
    public void close() {
        if (end.hasPanicked()) {
            return;
        }
        timers.close();
        cpu.close();
        for (int i = closers.size() - 1; i >= 0; i--) {
            closers.get(i).run();
        }
        shm.close();
        mqueues.close();
        pool.close();
        memory.close();
    }
}
