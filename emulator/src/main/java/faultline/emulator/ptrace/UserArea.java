package faultline.emulator.ptrace;

import faultline.emulator.cpu.CpuState;
import faultline.emulator.cpu.UserRegisters;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/**
 * A stopped task's USER area: its registers as {@link UserRegisters} has them, and the debug registers far behind them.
 * Those cannot watch an address, as on a processor whose breakpoints are all taken (ENOSPC).
 */
final class UserArea {
    /** Registers at its start. */
    static final int COUNT = UserRegisters.COUNT;

    private static final int WORD = 8;
    private static final int SIZE = 928;
    private static final int DEBUG_REGISTERS = 848;
    private static final int DEBUG_STATUS = 6;
    private static final int DEBUG_CONTROL = 7;
    /** Of the control register: a local and a global bit for each of four breakpoints. */
    private static final int ENABLED = 0xff;

    private static final long ADDRESS_LIMIT = 0x7fff_ffff_f000L;

    private UserArea() {}

    static long get(Task task, int index) {
        return UserRegisters.get(task.cpuState(), task.syscallNumber(), index);
    }

    /** Returns 0 or -errno. */
    static long set(Task task, int index, long value) {
        int register = UserRegisters.number(index);
        if (register < 0) {
            if (index == UserRegisters.ORIG_RAX) {
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

    /** The word of a place; 0 behind the registers, but for two debug registers. */
    static long peek(Task task, Tracee tracee, long address) {
        if (address < (long) COUNT * WORD) {
            return get(task, (int) address / WORD);
        }
        return switch (debugRegister(address)) {
            case DEBUG_STATUS -> tracee.debugStatus();
            case DEBUG_CONTROL -> tracee.debugControl();
            default -> 0;
        };
    }

    /** Returns 0 or -errno. */
    static long poke(Task task, Tracee tracee, long address, long value) {
        if (address < (long) COUNT * WORD) {
            return set(task, (int) address / WORD, value);
        }
        return address < DEBUG_REGISTERS ? -Errno.EIO : pokeDebugRegister(tracee, debugRegister(address), value);
    }

    private static int debugRegister(long address) {
        return (int) (address - DEBUG_REGISTERS) / WORD;
    }

    @KernelFunction(value = "ptrace_set_debugreg", file = "arch/x86/kernel/ptrace.c")
    private static long pokeDebugRegister(Tracee tracee, int register, long value) {
        switch (register) {
            case 4, 5 -> {
                return -Errno.EIO;
            }
            case DEBUG_STATUS -> tracee.setDebugStatus(value);
            case DEBUG_CONTROL -> {
                if ((value & ENABLED) != 0) {
                    return -Errno.ENOSPC;
                }
                tracee.setDebugControl(value);
            }
            default -> {
                return value == 0 ? 0 : -Errno.ENOSPC;
            }
        }
        return 0;
    }
}
