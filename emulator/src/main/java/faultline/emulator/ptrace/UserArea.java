package faultline.emulator.ptrace;

import faultline.emulator.cpu.CpuState;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;

/** A stopped task's registers in the order of {@code struct user_regs_struct}, at the start of its USER area. */
final class UserArea {
    /** Registers in the structure. */
    static final int COUNT = 27;

    private static final int WORD = 8;
    private static final int SIZE = 928;
    private static final int DEBUG_REGISTERS = 848;
    private static final int USER_CS = 0x33;
    private static final int USER_SS = 0x2b;
    private static final int ORIG_RAX = 15;
    private static final int CS = 17;
    private static final int SS = 20;
    private static final long ADDRESS_LIMIT = 0x7fff_ffff_f000L;

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

    private UserArea() {}

    static long get(Task task, int index) {
        if (ORDER[index] >= 0) {
            return task.cpuState().get(ORDER[index]);
        }
        return switch (index) {
            case ORIG_RAX -> task.syscallNumber();
            case CS -> USER_CS;
            case SS -> USER_SS;
            default -> 0;
        };
    }

    /** Returns 0 or -errno. */
    static long set(Task task, int index, long value) {
        int register = ORDER[index];
        if (register < 0) {
            if (index == ORIG_RAX) {
                task.enterSyscall(value);
                return 0;
            }
            // segments cannot be changed: the selectors of user code, or none
            return value == get(task, index) ? 0 : -Errno.EIO;
        }
        if ((register == CpuState.FS_BASE || register == CpuState.GS_BASE)
                && Long.compareUnsigned(value, ADDRESS_LIMIT) >= 0) {
            return -Errno.EIO;
        }
        task.cpuState().set(register, value);
        return 0;
    }

    /** Whether there is a word at this place. */
    static boolean holds(long address) {
        return address >= 0 && address < SIZE && address % WORD == 0;
    }

    /** The word of a place; 0 behind the registers. */
    static long peek(Task task, long address) {
        return address < (long) COUNT * WORD ? get(task, (int) address / WORD) : 0;
    }

    /** Returns 0 or -errno. Debug registers can be cleared alone: there is none that could watch an address. */
    static long poke(Task task, long address, long value) {
        if (address < (long) COUNT * WORD) {
            return set(task, (int) address / WORD, value);
        }
        if (address < DEBUG_REGISTERS) {
            return -Errno.EIO;
        }
        return value == 0 ? 0 : -Errno.ENOSPC;
    }
}
