package faultline.emulator.task;

import faultline.emulator.cpu.CpuState;
import faultline.emulator.elf.AuxVector;
import faultline.emulator.elf.ElfException;
import faultline.emulator.elf.ElfImage;
import faultline.emulator.elf.ElfLoader;
import faultline.emulator.elf.InitialStack;
import faultline.emulator.elf.ProgramHeader;
import faultline.emulator.fs.OpenFile;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.ptrace.PtraceStops;
import faultline.emulator.signal.SignalFrame;
import faultline.emulator.signal.SignalSender;
import faultline.emulator.signal.Signals;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import java.util.List;

/**
 * Gives a process a new program (fs/exec.c): opens and checks it, builds its address space beside the old one, and only
 * then lets go of the old one, so that every error up to there leaves the caller as it was.
 */
final class Exec {
    private static final int ADDR_NO_RANDOMIZE = 0x0040000;
    private static final int ADDR_COMPAT_LAYOUT = 0x0200000;
    private static final int READ_IMPLIES_EXEC = 0x0400000;

    /** Of CPUID's answers, counted from EAX. */
    private static final int EDX = 3;

    private static final int CLOCK_TICKS = 100;
    private static final long BRK_RANDOM_BYTES = 1L << 30;
    private static final int STACK_ALIGN_RANDOM = 8192;
    /** Longest single argument (MAX_ARG_STRLEN). */
    private static final int LONGEST_ARGUMENT = 32 * 4096;

    private static final long MOST_ARGUMENT_BYTES = 6L << 20;

    private final Kernel kernel;
    private final Task task;
    private final Process process;
    private final ProgramFile program;
    private final List<String> env;
    private final boolean random;

    private UserSpace space;
    private AuxVector auxv;
    private long stackPointer;
    private long entry;

    private Exec(Task task, ProgramFile program, List<String> env) {
        this.task = task;
        this.process = task.process();
        this.kernel = task.kernel();
        this.program = program;
        this.env = env;
        this.random = (process.personality() & ADDR_NO_RANDOMIZE) == 0;
    }

    /**
     * Puts the first program into a new process whose task does not run yet. Called on any thread.
     *
     * @throws ElfException with the errno and a line for the user
     */
    static void start(Task task, String path, List<String> argv, List<String> env) throws ElfException {
        try (ProgramFile program = ProgramFile.open(task, task.fs(), null, path, argv, 0)) {
            Exec exec = new Exec(task, program, env);
            exec.build();
            exec.install();
        }
    }

    /**
     * execve(2) and execveat(2).
     *
     * @return -errno; on success the task's registers are the new program's, and the result does not matter. A program
     *     whose segments cannot be mapped kills the process, as on Linux, where the old one is gone by then
     */
    @KernelFunction(value = "do_execveat_common", file = "fs/exec.c")
    static long execve(Task task, OpenFile base, String path, List<String> argv, List<String> env, int openFlags) {
        try (ProgramFile program = ProgramFile.open(task, task.fs(), base, path, argv, openFlags)) {
            Exec exec = new Exec(task, program, env);
            exec.build();
            int formerTid = task.tid();
            if (!SiblingTasks.end(task)) {
                exec.abandon();
                return -Errno.EAGAIN;
            }
            exec.pointOfNoReturn();
            exec.install();
            task.leaveSyscall();
            PtraceStops.exec(task, formerTid);
            return 0;
        } catch (ElfException e) {
            if (e.isLate()) {
                SignalSender.exitGroup(task.process(), Signals.SIGSEGV);
            }
            return -e.errno();
        }
    }

    /** Builds the new address space; tears it down when that fails. */
    private void build() throws ElfException {
        checkSizes();
        space = kernel.newSpace(kernel.limits(process), program.file().path());
        if (space == null) {
            throw new ElfException(Errno.ENOMEM, "no memory for an address space");
        }
        space.setExecutable(program.denial().again());
        if (process.space() != null) {
            space.mm().setThpDisabled(process.space().mm().thpDisabled());
            kernel.memory().ksm().exec(space.mm(), process.space().mm());
        }
        boolean done = false;
        try {
            map();
            done = true;
        } finally {
            if (!done) {
                abandon();
            }
        }
    }

    private void abandon() {
        space.put();
    }

    private void checkSizes() throws ElfException {
        long stackLimit = process.rlimits().soft(Rlimits.STACK);
        long most = Long.compareUnsigned(stackLimit / 4, MOST_ARGUMENT_BYTES) < 0 && stackLimit >= 0
                ? Math.max(stackLimit / 4, 32 * 4096)
                : MOST_ARGUMENT_BYTES;
        if (InitialStack.argumentBytes(program.argv(), env) > most || tooLong(program.argv()) || tooLong(env)) {
            throw new ElfException(Errno.E2BIG, "arguments and environment are too large");
        }
    }

    private static boolean tooLong(List<String> strings) {
        return strings.stream().anyMatch(s -> s.length() >= LONGEST_ARGUMENT);
    }

    private void map() throws ElfException {
        MmStruct mm = space.mm();
        CodePlaces.Places places = random ? kernel.codePlaces().next() : CodePlaces.Places.FIXED;
        boolean legacy = (process.personality() & ADDR_COMPAT_LAYOUT) != 0;
        mm.pickLayout(places.mappings(), randomPages(32 << 20 >> MmLayout.PAGE_SHIFT), legacy);
        long top = stackTop();
        byte[] randomBytes = new byte[16];
        kernel.random().nextBytes(randomBytes);
        int gap = random ? (int) kernel.random().nextBelow(STACK_ALIGN_RANDOM) : 0;
        InitialStack stack = new InitialStack(top, program.argv(), env, program.execfn(), gap, randomBytes);
        pushStrings(mm, top, stack);
        ElfLoader.Loaded loaded = new ElfLoader(kernel.memory(), mm, task.fault())
                .load(
                        program.image(),
                        program.file().mapped(),
                        program.interpreter(),
                        program.interpreterFile() == null
                                ? null
                                : program.interpreterFile().mapped(),
                        places.program());
        placeHeap(mm);
        auxv = stack.auxv();
        fillAuxv(stack, loaded);
        pushTables(mm, stack);
        entry = loaded.entry();
        stackPointer = stack.stackPointer();
        mm.setStartStack(stackPointer);
        mm.setArgs(stack.argStart(), stack.envStart());
        mm.setEnv(stack.envStart(), stack.envEnd());
    }

    private long randomPages(long pages) {
        return random ? kernel.random().nextBelow(pages) << MmLayout.PAGE_SHIFT : 0;
    }

    @KernelFunction(value = "randomize_stack_top", file = "mm/util.c")
    private long stackTop() {
        return MmLayout.STACK_TOP - randomPages(MmLayout.STACK_RND_MASK + 1);
    }

    /** The strings go to the temporary stack at the top, which then moves to its place, as in the kernel. */
    private void pushStrings(MmStruct mm, long top, InitialStack stack) throws ElfException {
        check(kernel.memory().stackArea().create(mm), "no memory for a stack");
        byte[] strings = stack.strings();
        long at = MmLayout.STACK_TOP - strings.length;
        write(mm, at, strings, strings.length);
        boolean executable = program.image().executableStack() || (process.personality() & READ_IMPLIES_EXEC) != 0;
        check(kernel.memory().stackArea().place(mm, top, executable), "no room for the stack");
    }

    private void pushTables(MmStruct mm, InitialStack stack) throws ElfException {
        byte[] tables = stack.tables();
        write(mm, stack.stackPointer(), tables, tables.length);
    }

    private void write(MmStruct mm, long address, byte[] bytes, int length) throws ElfException {
        long left = kernel.memory().userMemory().copyToUser(mm, task.fault(), address, bytes, 0, length);
        if (left != 0) {
            throw new ElfException(Errno.E2BIG, "arguments and environment do not fit on the stack");
        }
    }

    /** Where brk starts: behind the program, or for a static position-independent one far from it; at random. */
    private void placeHeap(MmStruct mm) {
        long heap = mm.startBrk();
        boolean moved = program.image().type() == ElfImage.ET_DYN && program.interpreter() == null;
        if (moved) {
            heap = MmLayout.ELF_ET_DYN_BASE;
        }
        if (random) {
            if (!moved) {
                heap += MmLayout.PAGE_SIZE;
            }
            heap += kernel.random().nextBelow(BRK_RANDOM_BYTES >>> MmLayout.PAGE_SHIFT) << MmLayout.PAGE_SHIFT;
        }
        mm.setStartBrk(heap, heap);
    }

    @KernelFunction(value = "create_elf_tables", file = "fs/binfmt_elf.c")
    private void fillAuxv(InitialStack stack, ElfLoader.Loaded loaded) {
        stack.auxv()
                .add(AuxVector.AT_MINSIGSTKSZ, SignalFrame.maximumSize())
                .add(AuxVector.AT_HWCAP, kernel.pool().cpuid(1, 0, EDX) & 0xffff_ffffL)
                .add(AuxVector.AT_PAGESZ, MmLayout.PAGE_SIZE)
                .add(AuxVector.AT_CLKTCK, CLOCK_TICKS)
                .add(AuxVector.AT_PHDR, loaded.programHeaders())
                .add(AuxVector.AT_PHENT, ProgramHeader.SIZE)
                .add(AuxVector.AT_PHNUM, program.image().headers().size())
                .add(AuxVector.AT_BASE, loaded.interpreterBase())
                .add(AuxVector.AT_FLAGS, 0)
                .add(AuxVector.AT_ENTRY, loaded.programEntry())
                .add(AuxVector.AT_UID, Libc.call(Nr.GETUID))
                .add(AuxVector.AT_EUID, Libc.call(Nr.GETEUID))
                .add(AuxVector.AT_GID, Libc.call(Nr.GETGID))
                .add(AuxVector.AT_EGID, Libc.call(Nr.GETEGID))
                .add(AuxVector.AT_SECURE, 0)
                .add(AuxVector.AT_RANDOM, stack.randomAddress())
                .add(AuxVector.AT_HWCAP2, AuxVector.HWCAP2_FSGSBASE)
                .add(AuxVector.AT_EXECFN, stack.execfnAddress())
                .add(AuxVector.AT_PLATFORM, stack.platformAddress())
                .add(AuxVector.AT_RSEQ_FEATURE_SIZE, Rseq.FEATURE_SIZE)
                .add(AuxVector.AT_RSEQ_ALIGN, Rseq.ALIGN);
    }

    /** From here on the old program cannot come back (begin_new_exec). */
    @KernelFunction(value = "begin_new_exec", file = "fs/exec.c")
    private void pointOfNoReturn() {
        UserSpace old = process.space();
        kernel.futexes().release(task, FutexExit.ALIVE);
        if (task.clearChildTid() != 0 && old.users() > 1 && task.user().tryPutInt(task.clearChildTid(), 0)) {
            kernel.futexes().wakeShared(task, task.clearChildTid(), 1);
        }
        process.times().noteMaxRss(old.mm().hiwaterRss());
        process.setSpace(space);
        ActingIds.exec(process);
        task.noteCredentials();
        TaskExit.completeVfork(task);
        old.put();
        task.unshareFiles();
        task.files().closeOnExec();
        process.posixTimers().clear();
        process.unshareHandlers();
        synchronized (process.handlers()) {
            process.handlers().resetForExec();
        }
        task.signals().altStack().reset();
        task.rseq().forget();
        task.setClearChildTid(0);
        task.setRestartBlock(RestartBlock.NONE);
        process.setExitSignal(Signals.SIGCHLD);
        process.setExeced();
        SignalSender.setMask(task, task.signals().blocked());
    }

    private void install() {
        process.setSpace(space);
        String path = program.file().path();
        process.setExec(new ExecInfo(path, program.argv(), env, auxv));
        String given = program.execfn();
        task.setName(given.substring(given.lastIndexOf('/') + 1));
        CpuState cpu = task.cpuState();
        cpu.reset();
        cpu.set(CpuState.RIP, entry);
        cpu.set(CpuState.RSP, stackPointer);
    }

    private static void check(long result, String what) throws ElfException {
        if (result < 0) {
            throw new ElfException((int) -result, what);
        }
    }
}
