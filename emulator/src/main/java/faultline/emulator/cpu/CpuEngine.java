package faultline.emulator.cpu;

import static faultline.emulator.unicorn.UnicornConstants.UC_ERR_INSN_INVALID;
import static faultline.emulator.unicorn.UnicornConstants.UC_ERR_OK;
import static faultline.emulator.unicorn.UnicornConstants.UC_X86_REG_RAX;
import static faultline.emulator.unicorn.UnicornConstants.UC_X86_REG_RDX;

import faultline.emulator.unicorn.HostMemory;
import faultline.emulator.unicorn.NativeThunks;
import faultline.emulator.unicorn.Unicorn;
import faultline.emulator.unicorn.UnicornConstants;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.FaultHandler;
import faultline.mmu.tlb.AddressSpaceTlb;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The processor of one address space: runs guest code of its tasks until something needs the kernel.
 *
 * <p>{@link #run} is for the thread that owns the virtual CPU. The flushes and {@link #requestStop} may be called by
 * any thread at any time.
 *
 * <p>What stopped Unicorn is told by the hooks, never by its result, which is 0 for five different reasons. The hook of
 * the syscall instruction is native code that sets a flag, since it is the hottest of all.
 */
public final class CpuEngine implements AddressSpaceTlb, FxHome, AutoCloseable {
    private static final int VECTOR_DEBUG = 1;
    private static final int VECTOR_BREAKPOINT = 3;
    private static final int VECTOR_OVERFLOW = 4;
    private static final int VECTOR_INVALID_OPCODE = 6;
    private static final int VECTOR_FIRST_REMEMBERED = 10;
    private static final int VECTOR_PROTECTION = 13;
    private static final int VECTOR_X87 = 16;
    private static final int VECTOR_LINUX32 = 128;
    private static final int INT_OPCODE = 0xcd;
    private static final int INT_LENGTH = 2;
    private static final int ICEBP_OPCODE = 0xf1;
    /** In the error code of a protection fault: the index is that of an interrupt gate. */
    private static final int ERROR_IDT = 2;

    private static final long TRAP_FLAG = 0x100;
    private static final long PAGE_MASK = -4096L;

    private final CpuPool pool;
    private final EngineCore core;
    private final Shootdown shootdown;
    private final BlockReplay replay;
    private final Object residency = new Object();
    private final Arena arena = Arena.ofShared();
    /** The native syscall hook's flag (4 bytes), and the block counter (8 bytes at 8). */
    private final long flag;

    private final boolean countsBlocks;

    /** The task whose registers the engine has. Under the residency lock. */
    private CpuState resident;

    private String program = "";
    private volatile boolean stopRequested;
    /** Address of an instruction that user code must not execute. */
    private long forbiddenRip;

    CpuEngine(CpuPool pool, int id, MemorySegment ram, CpuOptions options, CodeCoherence coherence) {
        this.pool = pool;
        core = new EngineCore(id, ram, options);
        shootdown = new Shootdown(core);
        replay = new BlockReplay(core);
        core.filler.connect(coherence, shootdown);
        flag = arena.allocate(16, 16).address();
        countsBlocks = options.deterministic();
        addHooks(options);
    }

    private void addHooks(CpuOptions options) {
        Unicorn unicorn = core.unicorn;
        NativeThunks thunks = NativeThunks.get();
        if (thunks != null) {
            unicorn.onInstruction(UnicornConstants.UC_X86_INS_SYSCALL, thunks.stopAndFlag(), flag);
        } else {
            unicorn.onInstruction(UnicornConstants.UC_X86_INS_SYSCALL, () -> {
                HostMemory.putInt(flag, 1);
                unicorn.stop();
                return true;
            });
        }
        unicorn.onInstruction(UnicornConstants.UC_X86_INS_CPUID, core.cpuid::execute);
        unicorn.onPort(UnicornConstants.UC_X86_INS_IN, (port, size) -> forbid());
        unicorn.onPort(UnicornConstants.UC_X86_INS_OUT, (port, size) -> forbid());
        unicorn.onInterrupt(this::interrupt);
        if (options.deterministic()) {
            unicorn.onInstruction(UnicornConstants.UC_X86_INS_RDTSC, () -> readTimestamp(false));
            unicorn.onInstruction(UnicornConstants.UC_X86_INS_RDTSCP, () -> readTimestamp(true));
            if (thunks == null) {
                throw new UnsupportedOperationException(
                        "Deterministic time slices need an x86-64 Linux host that allows" + " executable memory");
            }
            setBlockBudget(Long.MAX_VALUE);
            unicorn.onBlock(thunks.countdown(), flag + Long.BYTES);
            unicorn.flushTranslations();
        }
    }

    private void interrupt(int vector) {
        core.vector = vector;
        core.reason = core.stepping && vector == VECTOR_DEBUG ? StopReason.STEP : StopReason.INTERRUPT;
        core.unicorn.stop();
    }

    /**
     * Unicorn executes {@code in} and {@code out}, the hardware raises an exception: stop, and go back to it.
     *
     * <p>The rest of the block runs before the stop is seen. Its registers are taken back; its first access to memory
     * is refused, for the TLB is empty now and the fill hook refuses while this reason stands.
     */
    private void forbid() {
        if (core.reason != StopReason.FORBIDDEN) {
            core.vector = VECTOR_PROTECTION;
            core.reason = StopReason.FORBIDDEN;
            forbiddenRip = core.rip();
            core.saveScratch();
            core.flushTlb();
        }
        core.unicorn.stop();
    }

    private boolean readTimestamp(boolean withProcessor) {
        long now = core.options.timestamp().getAsLong();
        core.unicorn.writeRegister(UC_X86_REG_RAX, now & 0xffffffffL);
        core.unicorn.writeRegister(UC_X86_REG_RDX, now >>> 32);
        if (withProcessor) {
            core.unicorn.writeRegister(UnicornConstants.UC_X86_REG_RCX, 0);
        }
        return true;
    }

    /** The engine now serves this address space. Nothing of an earlier one is left in it but translated code. */
    void bind(GuestMemory memory, String newProgram) {
        core.memory = memory;
        program = newProgram;
        shootdown.flushAll();
    }

    /** Traces faults, or not (null). While traced, faults stop the CPU, which tells their exact address. */
    void setListener(FaultListener listener) {
        this.listener = listener;
        core.filler.setListener(listener);
    }

    private FaultListener listener;

    /** The program that it was bound for last. */
    String program() {
        return program;
    }

    /** This engine's number in its pool, from 1. */
    int id() {
        return core.id;
    }

    Shootdown shootdown() {
        return shootdown;
    }

    /**
     * What the processor answers to CPUID.
     *
     * @param register 0 to 3 for EAX, EBX, ECX, EDX
     */
    int cpuid(int leaf, int subleaf, int register) {
        return core.cpuid.answer(leaf, subleaf, register);
    }

    /** What happened so far. */
    public CpuStats stats() {
        return core.stats;
    }

    @Override
    public Object residency() {
        return residency;
    }

    @Override
    public Unicorn unicorn() {
        return core.unicorn;
    }

    @Override
    public void forget(FxRegisters registers) {
        if (resident != null && resident.fx() == registers) {
            resident = null;
        }
    }

    /**
     * Runs guest code of {@code state} until something needs the kernel. Page faults that can be handled on the spot
     * are handled inside.
     *
     * <p>Precondition: the caller owns the virtual CPU; nobody else runs this engine.
     *
     * @param context the task's fault cursor
     * @return why it stopped; all registers of {@code state} are current
     */
    public Exit run(CpuState state, FaultContext context) {
        core.context = context;
        makeResident(state);
        writeBack(state);
        shootdown.setRunner(Thread.currentThread());
        try {
            Exit exit = null;
            for (long rip = state.get(CpuState.RIP); exit == null; rip = exit == null ? core.rip() : rip) {
                core.enterGuest();
                exit = runOnce(rip);
            }
            core.registers.read(state.registers());
            finish(state, exit);
            return exit;
        } finally {
            core.leaveGuest(EngineCore.IDLE);
            shootdown.setRunner(null);
        }
    }

    /** One start of Unicorn; null when guest code simply goes on. */
    private Exit runOnce(long rip) {
        if (core.queue.isPending()) {
            serveFlushes();
        }
        if (stopRequested) {
            return Exit.STOPPED;
        }
        core.reason = StopReason.NONE;
        HostMemory.putInt(flag, 0);
        int result = core.start(rip);
        if (core.reason == StopReason.EARLY_FETCH) {
            if (replay.run(core.rip())) {
                return null;
            }
            result = replay.result();
        }
        if (core.reason == StopReason.FORBIDDEN) {
            core.restoreScratch();
            return Exit.EXCEPTION;
        }
        if (HostMemory.getInt(flag) != 0) {
            return Exit.SYSCALL;
        }
        return switch (core.reason) {
            case NONE -> withoutReason(result);
            case INTERRUPT -> Exit.EXCEPTION;
            case FAULT_OUTSIDE -> faultOutside();
            case FAULT_SIGNAL -> Exit.FAULT_SIGNAL;
            case FAULT_RETRY -> Exit.FAULT_RETRY;
            case FAULT_OOM -> Exit.FAULT_OOM;
            case FORBIDDEN, SYSCALL, STEP, EARLY_FETCH ->
                throw new IllegalStateException("stopped for " + core.reason + " where that cannot be");
        };
    }

    /** Blocks of the firmware are not the guest's: how many it takes depends on what the TLB happens to hold. */
    private void serveFlushes() {
        long budget = blockBudget();
        HostMemory.putLong(flag + Long.BYTES, Long.MAX_VALUE);
        shootdown.serveOutside();
        HostMemory.putLong(flag + Long.BYTES, budget);
    }

    private Exit withoutReason(int result) {
        if (result == UC_ERR_INSN_INVALID) {
            core.vector = VECTOR_INVALID_OPCODE;
            core.reason = StopReason.INTERRUPT; // or "int 6", which comes here too
            return Exit.EXCEPTION;
        }
        if (result != UC_ERR_OK) {
            throw Unicorn.error(result);
        }
        return countsBlocks && HostMemory.getLong(flag + Long.BYTES) < 0 ? Exit.STOPPED : null;
    }

    /** A fault under a listener: the exact address is known now. */
    private Exit faultOutside() {
        FaultContext context = core.context;
        int errorCode = context.errorCode;
        core.stats.faultsOutside++;
        context.ip = core.rip();
        context.sp = core.unicorn.readRegister(UnicornConstants.UC_X86_REG_RSP);
        context.bp = core.unicorn.readRegister(UnicornConstants.UC_X86_REG_RBP);
        context.mayWait = false;
        context.mayBlock = false;
        core.leaveGuest(EngineCore.IDLE);
        long begin = System.nanoTime();
        int result = core.memory.fault(core.refusedAddress(), errorCode, context);
        FaultListener to = listener;
        if (to != null && result != FaultHandler.FAULT_RETRY) {
            to.fault(context, result, System.nanoTime() - begin);
        }
        return switch (result) {
            case FaultHandler.FAULT_DONE -> {
                forgetInterruptedBlock();
                yield null;
            }
            case FaultHandler.FAULT_RETRY -> {
                context.errorCode = errorCode;
                yield Exit.FAULT_RETRY;
            }
            case FaultHandler.FAULT_OOM -> Exit.FAULT_OOM;
            default -> Exit.FAULT_SIGNAL;
        };
    }

    /**
     * Where a fault has stopped the CPU, a block more will be counted than without a listener: the rest of the one that
     * was stopped. The schedule of a seed shall be the same with and without, but for the few blocks that Unicorn
     * divides otherwise.
     */
    private void forgetInterruptedBlock() {
        if (countsBlocks) {
            setBlockBudget(blockBudget() + 1);
        }
    }

    /** Corrects what Unicorn does differently from the hardware, now that all registers are read. */
    private void finish(CpuState state, Exit exit) {
        state.clean();
        core.stats.exits[exit.ordinal()]++;
        switch (exit) {
            case SYSCALL -> {
                state.set(CpuState.RCX, state.get(CpuState.RIP));
                state.set(CpuState.R11, state.get(CpuState.RFLAGS));
            }
            case FAULT_SIGNAL, FAULT_RETRY, FAULT_OOM -> finishFault(state);
            case EXCEPTION -> finishException(state);
            case STOPPED -> stopRequested = false;
            default -> throw new IllegalStateException(exit.toString());
        }
    }

    private void finishFault(CpuState state) {
        FaultContext context = core.context;
        long exact = core.refusedAddress();
        if (context.siCode != FaultHandler.SI_KERNEL && (context.siAddr & PAGE_MASK) == (exact & PAGE_MASK)) {
            context.siAddr = exact;
        }
        context.address = exact;
        context.ip = state.get(CpuState.RIP);
        context.sp = state.get(CpuState.RSP);
    }

    private void finishException(CpuState state) {
        int vector = core.vector;
        int error = 0;
        if (core.reason == StopReason.FORBIDDEN) {
            state.set(CpuState.RIP, forbiddenRip);
        } else if (vector == 0 || vector >= VECTOR_FIRST_REMEMBERED && vector <= VECTOR_PROTECTION) {
            core.forgetException();
        }
        boolean known = vector == VECTOR_LINUX32 || vector == VECTOR_BREAKPOINT || vector == VECTOR_OVERFLOW;
        if (core.reason == StopReason.INTERRUPT && !known) {
            // int n of a gate that user code may not use is a protection fault on the instruction. Unicorn stops behind
            // it; faults leave RIP on the instruction, and so does "int 6", which it takes for an invalid instruction.
            long at = state.get(CpuState.RIP) - (vector == VECTOR_INVALID_OPCODE ? 0 : INT_LENGTH);
            if (isInt(state, at, vector)) {
                state.set(CpuState.RIP, at);
                error = vector << 3 | ERROR_IDT;
                vector = VECTOR_PROTECTION;
            }
        }
        if (vector == VECTOR_INVALID_OPCODE && isIcebp(state.get(CpuState.RIP))) {
            state.set(CpuState.RIP, state.get(CpuState.RIP) + 1);
            vector = VECTOR_DEBUG;
        }
        state.setVector(vector, error);
    }

    /** Whether the instruction {@code int vector} is at an address and was executed: a debug trap comes behind any. */
    private boolean isInt(CpuState state, long at, int vector) {
        if (vector == VECTOR_X87 || vector == VECTOR_DEBUG && (state.get(CpuState.RFLAGS) & TRAP_FLAG) != 0) {
            return false;
        }
        int length = core.readCode(at);
        return length >= INT_LENGTH && (core.code[0] & 0xff) == INT_OPCODE && (core.code[1] & 0xff) == vector;
    }

    /** Unicorn does not know this instruction, which traps like a debug exception. */
    private boolean isIcebp(long at) {
        return core.readCode(at) > 0 && (core.code[0] & 0xff) == ICEBP_OPCODE;
    }

    private void makeResident(CpuState state) {
        if (state.fx().home() == this) {
            return;
        }
        state.fx().leave(this);
        synchronized (residency) {
            evictLocked();
            core.unicorn.restoreContext(state.fx().context(core.template()).address());
            resident = state;
            state.fx().setHome(this);
        }
    }

    /** Saves the registers of the task that ran last, so that they survive this engine's next use. */
    void evict() {
        synchronized (residency) {
            evictLocked();
        }
    }

    private void evictLocked() {
        if (resident != null && resident.fx().home() == this) {
            core.unicorn.saveContext(resident.fx().context(core.template()).address());
            resident.fx().setHome(null);
        }
        resident = null;
    }

    private void writeBack(CpuState state) {
        state.fx().enter(core.unicorn);
        if (state.dirty() != 0) {
            core.registers.write(state.registers(), state.dirty());
            state.clean();
        }
    }

    /**
     * Makes the current run, or the next, end with {@link Exit#STOPPED}, unless another exit comes first; then the run
     * after that. Any thread.
     */
    public void requestStop() {
        stopRequested = true;
        if (core.phase() != EngineCore.IDLE) {
            core.stopFromOutside();
            pool.insistOnStop(this);
        }
    }

    /** Stops again if the request has not been seen; false when there is nothing to insist on. */
    boolean stopAgain() {
        if (stopRequested && core.phase() != EngineCore.IDLE) {
            core.stopFromOutside();
            return true;
        }
        return false;
    }

    /**
     * Gives the guest {@code blocks} basic blocks, across runs; the run that begins one more ends with
     * {@link Exit#STOPPED} before it. Deterministic mode only.
     */
    public void setBlockBudget(long blocks) {
        if (!countsBlocks) {
            throw new IllegalStateException("blocks are counted in deterministic mode only");
        }
        HostMemory.putLong(flag + Long.BYTES, blocks);
    }

    /** Blocks left of the budget, negative when it is used up. */
    public long blockBudget() {
        return HostMemory.getLong(flag + Long.BYTES);
    }

    @Override
    @KernelFunction("flush_tlb_page")
    public void flushPage(long address) {
        shootdown.flushPage(address);
    }

    @Override
    @KernelFunction("flush_tlb_range")
    public void flushRange(long start, long end) {
        shootdown.flushRange(start, end);
    }

    @Override
    @KernelFunction("flush_tlb_mm")
    public void flushAll() {
        shootdown.flushAll();
    }

    /** Frees the engine; it must not run, nor have registers that a task still needs. */
    @Override
    public void close() {
        evict();
        core.close();
        arena.close();
    }
}
