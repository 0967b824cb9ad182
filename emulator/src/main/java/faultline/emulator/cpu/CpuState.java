package faultline.emulator.cpu;

import faultline.emulator.unicorn.RegisterBatch;
import faultline.emulator.unicorn.UnicornConstants;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The user registers of one task.
 *
 * <p>The integer registers lie in this object's memory: an engine reads them at every exit and gets back what was
 * changed. Floating point and SSE registers stay in the engine while this state is the last one that ran there, else in
 * a saved context; {@link #fxsave} finds them in either place.
 *
 * <p>Used by the task's own thread; {@code CpuEngine.run} of another task may move the floating-point registers
 * meanwhile, which the engine's residency lock orders.
 */
public final class CpuState {
    // Numbers as the instruction encoding has them
    public static final int RAX = 0;
    public static final int RCX = 1;
    public static final int RDX = 2;
    public static final int RBX = 3;
    public static final int RSP = 4;
    public static final int RBP = 5;
    public static final int RSI = 6;
    public static final int RDI = 7;
    public static final int R8 = 8;
    public static final int R9 = 9;
    public static final int R10 = 10;
    public static final int R11 = 11;
    public static final int R12 = 12;
    public static final int R13 = 13;
    public static final int R14 = 14;
    public static final int R15 = 15;
    public static final int RIP = 16;
    public static final int RFLAGS = 17;
    public static final int FS_BASE = 18;
    public static final int GS_BASE = 19;
    /** How many registers {@link #get} knows. */
    public static final int REGISTERS = 20;

    /** Bytes of the image of {@link #fxsave}. */
    public static final int FXSAVE_BYTES = 512;

    /** Interrupt enable and the bit that is always set. */
    private static final long INITIAL_RFLAGS = 0x202;

    /** Carry, parity, adjust, zero, sign, trap, direction, overflow, resume, alignment, id: what user code may set. */
    private static final long USER_RFLAGS = 0x250dd5L;

    /** Unicorn's numbers, in the order of ours. */
    private static final int[] UNICORN = {
        UnicornConstants.UC_X86_REG_RAX,
        UnicornConstants.UC_X86_REG_RCX,
        UnicornConstants.UC_X86_REG_RDX,
        UnicornConstants.UC_X86_REG_RBX,
        UnicornConstants.UC_X86_REG_RSP,
        UnicornConstants.UC_X86_REG_RBP,
        UnicornConstants.UC_X86_REG_RSI,
        UnicornConstants.UC_X86_REG_RDI,
        UnicornConstants.UC_X86_REG_R8,
        UnicornConstants.UC_X86_REG_R8 + 1,
        UnicornConstants.UC_X86_REG_R8 + 2,
        UnicornConstants.UC_X86_REG_R8 + 3,
        UnicornConstants.UC_X86_REG_R8 + 4,
        UnicornConstants.UC_X86_REG_R8 + 5,
        UnicornConstants.UC_X86_REG_R8 + 6,
        UnicornConstants.UC_X86_REG_R8 + 7,
        UnicornConstants.UC_X86_REG_RIP,
        UnicornConstants.UC_X86_REG_RFLAGS,
        UnicornConstants.UC_X86_REG_FS_BASE,
        UnicornConstants.UC_X86_REG_GS_BASE,
    };

    private static final String[] NAMES = {
        "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
        "rip", "rflags", "fs_base", "gs_base",
    };

    private final RegisterBatch registers = new RegisterBatch(Arena.ofAuto(), UNICORN);
    private final FxRegisters fx = new FxRegisters();

    /** Registers changed since the engine last had them, a bit each. All at first: the engine has none of them. */
    private int dirty = (1 << REGISTERS) - 1;

    private int vector;
    private int exceptionError;

    /** Registers of a new program: all zero, flags as the kernel sets them, floating point initialised. */
    public CpuState() {
        registers.set(RFLAGS, INITIAL_RFLAGS);
    }

    /** The value of a register. */
    public long get(int register) {
        return registers.get(register);
    }

    /** Changes a register; of RFLAGS only the bits that user code may change. */
    public void set(int register, long value) {
        registers.set(register, register == RFLAGS ? value & USER_RFLAGS | INITIAL_RFLAGS : value);
        dirty |= 1 << register;
    }

    /** The vector of the last {@link Exit#EXCEPTION}: 0 DE, 1 DB, 3 BP, 4 OF, 6 UD, 13 GP, 16 MF, 128 int 0x80. */
    public int vector() {
        return vector;
    }

    /** The error code that the processor pushed for that exception, 0 where there is none. */
    public int exceptionError() {
        return exceptionError;
    }

    void setVector(int vector, int error) {
        this.vector = vector;
        exceptionError = error;
    }

    /** Writes the x87 and SSE registers as a 512-byte image, as the instruction {@code fxsave64} does. */
    public void fxsave(MemorySegment image) {
        fx.save(image);
    }

    /** Loads the x87 and SSE registers from a 512-byte image, as the instruction {@code fxrstor64} does. */
    public void fxrstor(MemorySegment image) {
        fx.restore(image);
    }

    /** Becomes a copy of another task's registers, as at {@code clone}. Called by the thread of that task. */
    public void copyFrom(CpuState other) {
        MemorySegment.copy(other.registers.values(), 0, registers.values(), 0, (long) REGISTERS * RegisterBatch.SLOT);
        dirty = (1 << REGISTERS) - 1;
        vector = other.vector;
        exceptionError = other.exceptionError;
        fx.copyFrom(other.fx);
    }

    /** Back to the registers of a new program, as {@code execve} does. */
    public void reset() {
        for (int i = 0; i < REGISTERS; i++) {
            set(i, 0);
        }
        fx.reset();
    }

    RegisterBatch registers() {
        return registers;
    }

    FxRegisters fx() {
        return fx;
    }

    int dirty() {
        return dirty;
    }

    void clean() {
        dirty = 0;
    }

    /** Unicorn's number of a register. */
    static int unicornNumber(int register) {
        return UNICORN[register];
    }

    /** All registers, a line each four, for a report. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < REGISTERS; i++) {
            text.append(i == 0 ? "" : i % 4 == 0 ? "\n" : "  ");
            text.append(String.format("%-7s %016x", NAMES[i], get(i)));
        }
        return text.toString();
    }
}
