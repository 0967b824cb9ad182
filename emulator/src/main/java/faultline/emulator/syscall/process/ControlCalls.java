package faultline.emulator.syscall.process;

import faultline.emulator.cpu.CpuState;
import faultline.emulator.host.Nr;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.mm.MmLayout;

/** arch_prctl(2), personality(2), rseq(2). */
final class ControlCalls implements SyscallFamily {
    private static final int ARCH_SET_GS = 0x1001;
    private static final int ARCH_SET_FS = 0x1002;
    private static final int ARCH_GET_FS = 0x1003;
    private static final int ARCH_GET_GS = 0x1004;
    private static final int ARCH_GET_CPUID = 0x1011;
    private static final int ARCH_SET_CPUID = 0x1012;
    private static final int ARCH_GET_XCOMP_SUPP = 0x1021;
    private static final int ARCH_GET_XCOMP_PERM = 0x1022;
    /** The states that XSAVE knows of: x87 and SSE. */
    private static final int XFEATURES = 3;

    private static final int PERSONALITY_QUERY = -1;

    @Override
    public void register(SyscallTable table) {
        table.register(Nr.ARCH_PRCTL, "arch_prctl", ControlCalls::archPrctl);
        table.register(Nr.PERSONALITY, "personality", (task, bits, a1, a2, a3, a4, a5) -> {
            int old = task.process().personality();
            if ((int) bits != PERSONALITY_QUERY) {
                task.process().setPersonality((int) bits);
            }
            return old;
        });
        table.register(
                Nr.RSEQ,
                "rseq",
                (task, area, size, flags, signature, a4, a5) ->
                        task.rseq().call(area, (int) size, (int) flags, (int) signature));
    }

    private static long archPrctl(Task task, long code, long address, long a2, long a3, long a4, long a5) {
        CpuState cpu = task.cpuState();
        switch ((int) code) {
            case ARCH_SET_GS, ARCH_SET_FS -> {
                if (Long.compareUnsigned(address, MmLayout.TASK_SIZE) >= 0) {
                    return -Errno.EPERM;
                }
                cpu.set((int) code == ARCH_SET_GS ? CpuState.GS_BASE : CpuState.FS_BASE, address);
            }
            case ARCH_GET_FS -> task.user().putLong(address, cpu.get(CpuState.FS_BASE));
            case ARCH_GET_GS -> task.user().putLong(address, cpu.get(CpuState.GS_BASE));
            case ARCH_GET_CPUID -> {
                return 1;
            }
            case ARCH_SET_CPUID -> {
                return -Errno.ENODEV;
            }
            case ARCH_GET_XCOMP_SUPP, ARCH_GET_XCOMP_PERM -> task.user().putLong(address, XFEATURES);
            default -> {
                return -Errno.EINVAL;
            }
        }
        return 0;
    }
}
