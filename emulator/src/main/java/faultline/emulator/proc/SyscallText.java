package faultline.emulator.proc;

import faultline.emulator.cpu.CpuState;
import faultline.emulator.task.Task;
import faultline.mmu.annotation.KernelFunction;

/** /proc/PID/syscall: what system call a task is in, with its arguments, and where. */
final class SyscallText {
    private static final int[] ARGUMENTS = {
        CpuState.RDI, CpuState.RSI, CpuState.RDX, CpuState.R10, CpuState.R8, CpuState.R9
    };

    private SyscallText() {}

    /** The line for a task: number, six arguments, stack and instruction pointer; or that it is running. */
    @KernelFunction(value = "proc_pid_syscall", file = "fs/proc/base.c")
    static String of(Task task) {
        if (!task.inSyscall()) {
            return "running\n";
        }
        CpuState registers = task.cpuState();
        StringBuilder line = new StringBuilder().append(task.syscallNumber());
        for (int register : ARGUMENTS) {
            line.append(" 0x").append(Long.toHexString(registers.get(register)));
        }
        return line.append(" 0x")
                .append(Long.toHexString(registers.get(CpuState.RSP)))
                .append(" 0x")
                .append(Long.toHexString(registers.get(CpuState.RIP)))
                .append('\n')
                .toString();
    }
}
