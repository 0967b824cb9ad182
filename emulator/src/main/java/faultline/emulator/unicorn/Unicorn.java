package faultline.emulator.unicorn;

import static faultline.emulator.unicorn.UnicornConstants.UC_ARCH_X86;
import static faultline.emulator.unicorn.UnicornConstants.UC_ERR_OK;
import static faultline.emulator.unicorn.UnicornConstants.UC_HOOK_BLOCK;
import static faultline.emulator.unicorn.UnicornConstants.UC_HOOK_INSN;
import static faultline.emulator.unicorn.UnicornConstants.UC_HOOK_INSN_INVALID;
import static faultline.emulator.unicorn.UnicornConstants.UC_HOOK_INTR;
import static faultline.emulator.unicorn.UnicornConstants.UC_HOOK_TLB_FILL;
import static faultline.emulator.unicorn.UnicornConstants.UC_MODE_64;
import static faultline.emulator.unicorn.UnicornConstants.UC_TLB_VIRTUAL;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * One x86-64 engine.
 *
 * <p>Not thread-safe, except {@link #stop}. Close it: it holds native memory (about 3 MB and the code buffer).
 */
public final class Unicorn implements AutoCloseable {
    private final Arena arena = Arena.ofShared();
    private final long handle;
    private final MemorySegment scratch = arena.allocate(16, 16);
    private final Upcalls upcalls = new Upcalls(this, arena);
    private volatile boolean closed;

    /** What a callback threw during the current {@link #start}. */
    private Throwable thrown;

    /** Opens an engine ({@code uc_open}). Set model and buffer size before anything else. */
    public Unicorn() {
        UnicornLibrary.load();
        ExitChecks.install();
        int code = UnicornApi.open(UC_ARCH_X86, UC_MODE_64, scratch.address());
        if (code != UC_ERR_OK) {
            arena.close();
            checkCode("uc_open", code);
        }
        handle = scratch.get(ValueLayout.JAVA_LONG, 0);
    }

    /** The {@code uc_engine} pointer. */
    public long handle() {
        return handle;
    }

    /** Whether {@link #close} has been called. */
    public boolean isClosed() {
        return closed;
    }

    /** Frees the engine and the callbacks ({@code uc_close}); may be called twice. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            check("uc_close", UnicornApi.close(handle));
            arena.close();
        }
    }

    /** Which processor to be ({@code uc_ctl_set_cpu_model}); only right after opening. */
    public void setCpuModel(int model) {
        check("uc_ctl_set_cpu_model", UnicornApi.ctl(handle, UnicornConstants.CTL_CPU_MODEL, model));
    }

    /** Size of the buffer for translated code, in bytes below 2 GiB; only right after opening. */
    public void setTcgBufferSize(int bytes) {
        check("uc_ctl_set_tcg_buffer_size", UnicornApi.ctl(handle, UnicornConstants.CTL_TCG_BUFFER_SIZE, bytes));
    }

    /** Size of the buffer for translated code, in bytes. */
    public int tcgBufferSize() {
        check(
                "uc_ctl_get_tcg_buffer_size",
                UnicornApi.ctlPointer(handle, UnicornConstants.CTL_TCG_BUFFER_SIZE_READ, scratch.address()));
        return scratch.get(ValueLayout.JAVA_INT, 0);
    }

    /** Virtual TLB mode: every miss asks the {@link TlbFillHook} ({@code uc_ctl_tlb_mode}). */
    public void useVirtualTlb() {
        check("uc_ctl_tlb_mode", UnicornApi.ctl(handle, UnicornConstants.CTL_TLB_TYPE, UC_TLB_VIRTUAL));
    }

    /**
     * Makes the caller's memory guest-physical memory ({@code uc_mem_map_ptr}).
     *
     * @param physical guest-physical address, a multiple of 4096
     * @param memory host memory, whose size is a multiple of 4096; must live until this engine is closed
     */
    public void mapMemory(long physical, MemorySegment memory) {
        check(
                "uc_mem_map_ptr",
                UnicornApi.memMapPtr(
                        handle, physical, memory.byteSize(), UnicornConstants.UC_PROT_ALL, memory.address()));
    }

    /** Takes guest-physical memory away ({@code uc_mem_unmap}). */
    public void unmapMemory(long physical, long bytes) {
        check("uc_mem_unmap", UnicornApi.memUnmap(handle, physical, bytes));
    }

    /** Reads a register of at most 64 bits. Exact in hooks too, RIP and RFLAGS included. */
    public long readRegister(int register) {
        scratch.set(ValueLayout.JAVA_LONG, 0, 0);
        check("uc_reg_read", UnicornApi.regRead(handle, register, scratch.address()));
        return scratch.get(ValueLayout.JAVA_LONG, 0);
    }

    /** Writes a register of at most 64 bits. Not in a TLB-fill hook; CS and SS do not change the privilege level. */
    public void writeRegister(int register, long value) {
        scratch.set(ValueLayout.JAVA_LONG, 0, value);
        check("uc_reg_write", UnicornApi.regWrite(handle, register, scratch.address()));
    }

    /** Writes a model-specific register. */
    public void writeMsr(int msr, long value) {
        scratch.set(ValueLayout.JAVA_LONG, 0, msr);
        scratch.set(ValueLayout.JAVA_LONG, 8, value);
        check("uc_reg_write", UnicornApi.regWrite(handle, UnicornConstants.UC_X86_REG_MSR, scratch.address()));
    }

    /** Reads a model-specific register. */
    public long readMsr(int msr) {
        scratch.set(ValueLayout.JAVA_LONG, 0, msr);
        scratch.set(ValueLayout.JAVA_LONG, 8, 0);
        check("uc_reg_read", UnicornApi.regRead(handle, UnicornConstants.UC_X86_REG_MSR, scratch.address()));
        return scratch.get(ValueLayout.JAVA_LONG, 8);
    }

    /** Bytes of one saved context ({@code uc_context_size}), its header included. */
    public long contextSize() {
        return UnicornApi.contextSize(handle);
    }

    /** Allocates and saves a first context ({@code uc_context_alloc}); {@link UnicornContext#close} frees it. */
    public UnicornContext newContext() {
        check("uc_context_alloc", UnicornApi.contextAlloc(handle, scratch.address()));
        UnicornContext context = new UnicornContext(scratch.get(ValueLayout.JAVA_LONG, 0), contextSize());
        saveContext(context.address());
        return context;
    }

    /** Saves all registers of the engine in a context at a host address ({@code uc_context_save}). */
    public void saveContext(long context) {
        check("uc_context_save", UnicornApi.contextSave(handle, context));
    }

    /** Restores registers; {@code context} must have been saved before, by any engine of the same model. */
    public void restoreContext(long context) {
        check("uc_context_restore", UnicornApi.contextRestore(handle, context));
    }

    /**
     * Runs guest code from {@code address} until a hook or another thread stops it or something cannot be executed.
     *
     * @return {@code UC_ERR_OK} for every kind of stop, {@code UC_ERR_EXCEPTION} for a refused TLB fill or an interrupt
     *     without hook, {@code UC_ERR_INSN_INVALID}, or another {@code uc_err}
     */
    public int start(long address) {
        int code = UnicornApi.emuStart(handle, address);
        if (thrown != null) {
            Throwable t = thrown;
            thrown = null;
            Unicorn.<RuntimeException>rethrow(t);
        }
        return code;
    }

    @SuppressWarnings("unchecked")
    private static <T extends Throwable> void rethrow(Throwable t) throws T {
        throw (T) t;
    }

    /** Keeps what a callback threw and stops; called by {@link Upcalls} only. */
    void failed(Throwable t) {
        if (thrown == null) {
            thrown = t;
        } else if (thrown != t) {
            thrown.addSuppressed(t);
        }
        UnicornApi.emuStop(handle);
    }

    /** Whether {@link #stop} from another thread takes effect between instructions only; see {@link ExitChecks}. */
    public static boolean stopsAreExact() {
        UnicornLibrary.load();
        return ExitChecks.install();
    }

    /**
     * Stops the run before its next block, from a hook or from another thread. Lost if the run has not begun: ask again
     * until it has ended. From another thread only if {@link #stopsAreExact}.
     */
    public void stop() {
        check("uc_emu_stop", UnicornApi.emuStop(handle));
    }

    /** Forgets all TLB entries ({@code uc_ctl_flush_tlb}); the TLB may grow or shrink here and only here. */
    public void flushTlb() {
        check("uc_ctl_flush_tlb", UnicornApi.ctl(handle, UnicornConstants.CTL_TLB_FLUSH));
    }

    /** Forgets all translated code ({@code uc_ctl_flush_tb}). Not inside a hook. */
    public void flushTranslations() {
        check("uc_ctl_flush_tb", UnicornApi.ctl(handle, UnicornConstants.CTL_TB_FLUSH));
    }

    /**
     * Forgets code translated from the frame behind a virtual page ({@code uc_ctl_remove_cache}).
     *
     * <p>Fills the TLB for a fetch of that address if it has no entry. Frames are not contiguous: one page a call.
     */
    public void removeTranslations(long start, long end) {
        check("uc_ctl_remove_cache", UnicornApi.ctl(handle, UnicornConstants.CTL_TB_REMOVE_CACHE, start, end));
    }

    /** Installs the page walker. */
    public void onTlbFill(TlbFillHook hook) {
        addHook(UC_HOOK_TLB_FILL, upcalls.tlbFill(hook), 0, 0);
    }

    /** Writes a page walker's answer: guest-physical page address and {@code UC_PROT_*} bits. */
    public static void answer(long result, long physical, int protection) {
        HostMemory.putLong(result, physical);
        HostMemory.putInt(result + 8, protection);
    }

    /** Installs the hook for interrupts and exceptions. */
    public void onInterrupt(InterruptHook hook) {
        addHook(UC_HOOK_INTR, upcalls.interrupt(hook), 0, 0);
    }

    /** Installs a hook for undefined instructions; returning false ends the run with {@code UC_ERR_INSN_INVALID}. */
    public void onInvalidInstruction(InstructionHook hook) {
        addHook(UC_HOOK_INSN_INVALID, upcalls.instruction(hook), 0, 0);
    }

    /** Installs a hook for one of the instructions {@code UC_X86_INS_*} other than in and out. */
    public void onInstruction(int instruction, InstructionHook hook) {
        addHook(UC_HOOK_INSN, upcalls.instruction(hook), 0, instruction);
    }

    /** Installs a native function {@code f(engine, userData)} for an instruction: no call into Java. */
    public void onInstruction(int instruction, long function, long userData) {
        addHook(UC_HOOK_INSN, function, userData, instruction);
    }

    /** Installs a hook for {@code in} or {@code out}. */
    public void onPort(int instruction, PortHook hook) {
        boolean input = instruction == UnicornConstants.UC_X86_INS_IN;
        addHook(UC_HOOK_INSN, input ? upcalls.portIn(hook) : upcalls.portOut(hook), 0, instruction);
    }

    /**
     * Installs a native function {@code f(engine, address, size, userData)} before every block. Flush translations
     * then.
     */
    public void onBlock(long function, long userData) {
        addHook(UC_HOOK_BLOCK, function, userData, 0);
    }

    private void addHook(int type, long function, long userData, int instruction) {
        check(
                "uc_hook_add",
                UnicornApi.hookAdd(handle, scratch.address(), type, function, userData, 1, 0, instruction));
    }

    /** The address of {@code uc_emu_stop}. */
    public static long stopFunction() {
        UnicornLibrary.load();
        return UnicornApi.emuStopAddress();
    }

    void check(String function, int code) {
        checkCode(function, code);
    }

    static void checkCode(String function, int code) {
        if (code != UC_ERR_OK) {
            throw new UnicornException(function, code, UnicornApi.strerror(code));
        }
    }

    /** The exception for a result of {@link #start} that the caller cannot handle. */
    public static UnicornException error(int code) {
        return new UnicornException("uc_emu_start", code, UnicornApi.strerror(code));
    }
}
