package faultline.emulator.cpu;

import faultline.mmu.annotation.KernelFunction;

/** The general registers as debuggers and core files have them: by their place in {@code struct user_regs_struct}. */
@KernelFunction("user_regs_struct")
public final class UserRegisters {
    /** Registers in the structure, of 8 bytes each. */
    public static final int COUNT = 27;
    /** Place of the number of the system call that a task is in. */
    public static final int ORIG_RAX = 15;

    private static final int CS = 17;
    private static final int SS = 20;
    private static final int USER_CS = 0x33;
    private static final int USER_SS = 0x2b;

    /** Numbers of {@link CpuState}; -1 for what is not kept there. */
    private static final int[] ORDER = {
        CpuState.R15,
        CpuState.R14,
        CpuState.R13,
        CpuState.R12,
        CpuState.RBP,
        CpuState.RBX,
        CpuState.R11,
        CpuState.R10,
        CpuState.R9,
        CpuState.R8,
        CpuState.RAX,
        CpuState.RCX,
        CpuState.RDX,
        CpuState.RSI,
        CpuState.RDI,
        -1,
        CpuState.RIP,
        -1,
        CpuState.RFLAGS,
        CpuState.RSP,
        -1,
        CpuState.FS_BASE,
        CpuState.GS_BASE,
        -1,
        -1,
        -1,
        -1
    };

    private UserRegisters() {}

    /** The number in {@link CpuState} of the register at a place; -1 for {@link #ORIG_RAX} and the selectors. */
    public static int number(int place) {
        return ORDER[place];
    }

    /**
     * The value at a place; selectors are those of user code, or none.
     *
     * @param syscall what {@link #ORIG_RAX} has
     */
    public static long get(CpuState cpu, long syscall, int place) {
        if (ORDER[place] >= 0) {
            return cpu.get(ORDER[place]);
        }
        return switch (place) {
            case ORIG_RAX -> syscall;
            case CS -> USER_CS;
            case SS -> USER_SS;
            default -> 0;
        };
    }
}
