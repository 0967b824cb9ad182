package faultline.emulator.ptrace;

import faultline.emulator.cpu.CpuState;
import faultline.emulator.cpu.UserRegisters;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;

/** A stopped task's USER area: its registers as {@link UserRegisters} has them, and what is behind them. */
final class UserArea {
    /** Registers at its start. */
    static final int COUNT = UserRegisters.COUNT;

    private static final int WORD = 8;
    private static final int SIZE = 928;
    private static final int DEBUG_REGISTERS = 848;
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
