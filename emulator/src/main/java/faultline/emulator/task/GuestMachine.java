package faultline.emulator.task;

import faultline.emulator.device.FaultDevice;
import faultline.emulator.elf.ElfException;
import faultline.emulator.fs.FileSystem;
import faultline.emulator.host.HostTerminal;
import faultline.emulator.host.InheritedSignals;
import faultline.emulator.proc.MachineProc;
import faultline.emulator.signal.SignalHandlers;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.file.FileSystemCalls;
import faultline.emulator.syscall.futex.FutexCalls;
import faultline.emulator.syscall.ipc.MessageCalls;
import faultline.emulator.syscall.ipc.SemCalls;
import faultline.emulator.syscall.ipc.ShmCalls;
import faultline.emulator.syscall.memory.MemoryCalls;
import faultline.emulator.syscall.mqueue.MqueueCalls;
import faultline.emulator.syscall.process.ProcessCalls;
import faultline.emulator.syscall.signal.SignalCalls;
import faultline.emulator.syscall.time.TimeCalls;
import faultline.emulator.syscall.userfault.UserfaultCalls;
import faultline.mmu.gup.GupCow;
import faultline.mmu.mm.CommitAccount;
import faultline.mmu.mm.RemapMode;
import faultline.mmu.mm.ThpMode;
import faultline.mmu.phys.Page;
import faultline.mmu.system.MemoryConfig;
import faultline.mmu.system.MemorySystem;
import faultline.mmu.table.MoveMode;
import faultline.mmu.table.PtlMode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * Assembles a machine for one program, runs it, and takes it apart.
 *
 * <p>Any number of machines may be made one after another; each gives back everything it took. {@link #run} is the
 * whole life; {@link #boot}, {@link #runToEnd} and {@link #close} are its parts, for those who look in between.
 */
public final class GuestMachine implements AutoCloseable {
    private static final List<SyscallFamily> FAMILIES = List.of(
            new FileSystemCalls(),
            new MemoryCalls(),
            new ShmCalls(),
            new SemCalls(),
            new MessageCalls(),
            new MqueueCalls(),
            new UserfaultCalls(),
            new ProcessCalls(),
            new TimeCalls(),
            new SignalCalls(),
            new FutexCalls());

    /** The bits of a wait status that tell which signal killed the process. */
    private static final int SIGNALLED = 0x7f;

    private final Kernel kernel;

    private GuestMachine(Kernel kernel) {
        this.kernel = kernel;
    }

    /**
     * Runs a program to its end.
     *
     * @return its exit status; 128 + n when signal n killed it
     * @throws ElfException when the program cannot be started
     */
    public static int run(GuestSpec spec) throws ElfException {
        try (GuestMachine machine = boot(spec)) {
            return machine.runToEnd();
        }
    }

    /** Builds the machine and loads the program, which does not run yet. */
    public static GuestMachine boot(GuestSpec spec) throws ElfException {
        MemoryConfig config = memoryConfig(spec);
        // with one cache of free frames, which frame comes next depends on the calls before alone
        MemorySystem memory = spec.seed() == null ? new MemorySystem(config) : new MemorySystem(config, 1);
        memory.gup().setCow("2005".equals(spec.options().get("gup-cow")) ? GupCow.YEAR_2005 : GupCow.FIXED);
        memory.hugetlb().gigantic().resize(poolPages(spec, GuestSpec.GIGANTIC_PAGES));
        memory.hugetlb().huge().resize(poolPages(spec, GuestSpec.HUGE_PAGES));
        return boot(spec, memory);
    }

    private static long poolPages(GuestSpec spec, String option) {
        return Long.parseLong(spec.options().getOrDefault(option, "0"));
    }

    private static MemoryConfig memoryConfig(GuestSpec spec) {
        return MemoryConfig.defaults()
                .withMemBytes(spec.memBytes())
                .withSwapBytes(spec.swapBytes())
                // In a repeatable run who wants frames frees them: when a thread on the side would is nobody's to say.
                .withKswapd(spec.seed() == null)
                .withPtl(PtlMode.valueOf(spec.ptl().toUpperCase(Locale.ROOT)))
                .withMove(MoveMode.valueOf(spec.move().toUpperCase(Locale.ROOT)))
                .withThp(ThpMode.valueOf(
                        spec.options().getOrDefault("thp", "madvise").toUpperCase(Locale.ROOT)))
                .withRemap(RemapMode.valueOf(spec.options()
                        .getOrDefault("remap-file-pages", "emulate")
                        .toUpperCase(Locale.ROOT)))
                .withOvercommit(overcommit(spec), MemoryConfig.defaults().overcommitRatio())
                .withMmapMinAddr(
                        spec.seed() == null
                                ? hostMmapMinAddr()
                                : MemoryConfig.defaults().mmapMinAddr());
    }

    private static CommitAccount.Mode overcommit(GuestSpec spec) {
        return CommitAccount.Mode.values()[Integer.parseInt(spec.options().getOrDefault("overcommit", "0"))];
    }

    /** What a program sees on this host; the usual value where the host does not tell. */
    private static long hostMmapMinAddr() {
        try {
            return Long.parseLong(
                    Files.readString(Path.of("/proc/sys/vm/mmap_min_addr")).strip());
        } catch (IOException | NumberFormatException e) {
            return MemoryConfig.defaults().mmapMinAddr();
        }
    }

    private static GuestMachine boot(GuestSpec spec, MemorySystem memory) throws ElfException {
        Kernel kernel = new Kernel(spec, memory);
        GuestMachine machine = new GuestMachine(kernel);
        boolean done = false;
        try {
            FAMILIES.forEach(family -> family.register(kernel.syscalls()));
            machine.firstProcess();
            done = true;
            return machine;
        } finally {
            if (!done) {
                machine.close();
            }
        }
    }

    private void firstProcess() throws ElfException {
        GuestSpec spec = kernel.spec();
        FileSystem files = new FileSystem(
                kernel.memory().cache(), kernel.memory().hugetlb(), spec.isolation(), new MachineProc(kernel));
        files.addDevice(new FaultDevice(kernel));
        kernel.onClose(files::close);
        Rlimits limits = HostLimits.read(spec.seed() != null);
        new StandIns(kernel, files, limits).make();
        int pid = kernel.pids().allocate();
        SignalHandlers handlers = SignalHandlers.ignoring(spec.seed() != null ? 0 : InheritedSignals.ignored());
        Process process = new Process(kernel, pid, handlers, limits);
        Task task = kernel.newTask(pid, process);
        task.setFiles(
                files.newInherited(),
                files.newContext(spec.cwd() == null ? null : spec.cwd().toString()));
        process.tasks().add(task);
        process.setLeader(task);
        process.setParent(kernel.launcher());
        process.setSessionId(kernel.launcher().sessionId());
        String most = spec.options().get(GuestSpec.MEMORY_MAX);
        if (most != null) {
            kernel.cgroups().confine(process, Long.parseLong(most) >>> Page.SHIFT);
        }
        boolean done = false;
        try {
            Exec.start(task, spec.program(), spec.argv(), spec.env());
            done = true;
        } finally {
            if (!done) {
                task.releaseFiles();
            }
        }
        kernel.add(process);
    }

    /** The machine's inside: tasks, memory, statistics. */
    public Kernel kernel() {
        return kernel;
    }

    /**
     * Runs the loaded program, and whatever processes it starts, to the end.
     *
     * @return the program's exit status; 128 + n when signal n killed it
     * @throws KernelPanic when the emulator itself failed; the machine can then be closed, and nothing else
     */
    public int runToEnd() {
        Process first = kernel.first();
        try (HostTerminal terminal = new HostTerminal();
                HostSignals signals = HostSignals.forwardTo(kernel)) {
            boolean exited = false;
            try {
                kernel.start(first.leader());
                int status = kernel.awaitEnd();
                exited = (status & SIGNALLED) == 0;
                return exited ? status >> 8 & 0xff : 128 + (status & SIGNALLED);
            } finally {
                if (!exited) {
                    terminal.restore();
                }
            }
        }
    }

    /** What is wrong with the memory manager's books now: empty when all is well. */
    public List<String> audit() {
        return kernel.memory().audit();
    }

    @Override
    public void close() {
        kernel.close();
    }
}
