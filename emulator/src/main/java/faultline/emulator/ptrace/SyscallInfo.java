package faultline.emulator.ptrace;

import faultline.emulator.cpu.CpuState;
import faultline.emulator.seccomp.SeccompData;
import faultline.emulator.task.Task;
import faultline.mmu.annotation.KernelFunction;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * PTRACE_GET_SYSCALL_INFO: what of a system call a stopped task is at ({@code struct ptrace_syscall_info}).
 *
 * <pre>
 *   0 op   4 arch   8 instruction_pointer   16 stack_pointer   24 entry: nr, args[6]   24 exit: rval, is_error
 * </pre>
 */
final class SyscallInfo {
    private static final int BYTES = 88;
    private static final int MOST_ERRNO = 4095;

    private SyscallInfo() {}

    /** Writes as much as there is room for. Returns the length of all of it. */
    @KernelFunction(value = "ptrace_get_syscall_info", file = "kernel/ptrace.c")
    static long write(Task task, Task target, long room, long to) {
        CpuState cpu = target.cpuState();
        Tracee.Phase phase = target.tracee().phase();
        ByteBuffer info = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
        info.put((byte) phase.ordinal()).put(new byte[3]).putInt(SeccompData.ARCH);
        info.putLong(cpu.get(CpuState.RIP)).putLong(cpu.get(CpuState.RSP));
        switch (phase) {
            case ENTRY ->
                info.putLong(target.syscallNumber())
                        .putLong(cpu.get(CpuState.RDI))
                        .putLong(cpu.get(CpuState.RSI))
                        .putLong(cpu.get(CpuState.RDX))
                        .putLong(cpu.get(CpuState.R10))
                        .putLong(cpu.get(CpuState.R8))
                        .putLong(cpu.get(CpuState.R9));
            case EXIT -> {
                long result = cpu.get(CpuState.RAX);
                info.putLong(result).put((byte) (result < 0 && result >= -MOST_ERRNO ? 1 : 0));
            }
            case NONE -> {
                // only where it is
            }
        }
        int length = info.position();
        task.user().write(to, info.array(), 0, (int) Math.min(Math.max(room, 0), length));
        return length;
    }
}
