package faultline.emulator.syscall.process;

import faultline.emulator.cpu.CpuState;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Process;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.Thp;
import java.nio.charset.StandardCharsets;

/** prctl(2), arch_prctl(2), personality(2), rseq(2). */
final class ControlCalls implements SyscallFamily {
    private static final int NAME_SIZE = 16;
    /** PR_THP_DISABLE_EXCEPT_ADVISED. */
    private static final int THP_EXCEPT_ADVISED = 2;

    private static final int XFEATURES = 3;
    private static final int PERSONALITY_QUERY = -1;

    @Override
    public void register(SyscallTable table) {
        table.register(Nr.PRCTL, "prctl", ControlCalls::prctl);
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
            case 0x1001, 0x1002 -> {
                if (Long.compareUnsigned(address, MmLayout.TASK_SIZE) >= 0) {
                    return -Errno.EPERM;
                }
                cpu.set((int) code == 0x1001 ? CpuState.GS_BASE : CpuState.FS_BASE, address);
            }
            case 0x1003 -> task.user().putLong(address, cpu.get(CpuState.FS_BASE));
            case 0x1004 -> task.user().putLong(address, cpu.get(CpuState.GS_BASE));
            case 0x1011 -> {
                return 1;
            }
            case 0x1012 -> {
                return -Errno.ENODEV;
            }
            case 0x1021, 0x1022 -> task.user().putLong(address, XFEATURES);
            default -> {
                return -Errno.EINVAL;
            }
        }
        return 0;
    }

    private static long prctl(Task task, long option, long arg, long a2, long a3, long a4, long a5) {
        Process process = task.process();
        boolean noMore = a2 == 0 && a3 == 0 && a4 == 0;
        switch ((int) option) {
            case 1 -> {
                if (arg < 0 || arg > 64) {
                    return -Errno.EINVAL;
                }
                process.setParentDeathSignal((int) arg);
            }
            case 2 -> task.user().putInt(arg, process.parentDeathSignal());
            case 3 -> {
                return process.dumpable();
            }
            case 4 -> {
                if (arg != 0 && arg != 1) {
                    return -Errno.EINVAL;
                }
                process.setDumpable((int) arg);
            }
            case 7, 27 -> {
                return Libc.call(Nr.PRCTL, option);
            }
            case 8, 28, 47 -> {
                return Libc.call(Nr.PRCTL, option, arg, a2, a3, a4);
            }
            case 15 -> setName(task, arg);
            case 16 -> {
                byte[] name = new byte[NAME_SIZE];
                byte[] now = task.name().getBytes(StandardCharsets.ISO_8859_1);
                System.arraycopy(now, 0, name, 0, Math.min(now.length, NAME_SIZE - 1));
                task.user().write(arg, name, 0, NAME_SIZE);
            }
            case 21 -> {
                return task.seccomp().mode();
            }
            case 22 -> {
                return SeccompCalls.set(task, arg, a2);
            }
            case 23, 24 -> {
                return Libc.call(Nr.PRCTL, option, arg);
            }
            case 25 -> task.user().putInt(arg, 1);
            case 26 -> {
                return arg == 1 ? 0 : -Errno.EINVAL;
            }
            case 29 -> process.setTimerSlack((int) Math.clamp(arg, 0, Integer.MAX_VALUE));
            case 30 -> {
                return process.timerSlack();
            }
            case 36 -> process.setChildSubreaper(arg != 0);
            case 37 -> task.user().putInt(arg, process.childSubreaper() ? 1 : 0);
            case 38 -> {
                if (arg != 1 || !noMore) {
                    return -Errno.EINVAL;
                }
                process.setNoNewPrivileges();
            }
            case 39 -> {
                return arg != 0 || !noMore ? -Errno.EINVAL : process.noNewPrivileges() ? 1 : 0;
            }
            case 41 -> {
                return setThpDisable(task, arg, a2, a3 == 0 && a4 == 0);
            }
            case 42 -> {
                return arg != 0 || !noMore ? -Errno.EINVAL : task.mm().thpDisabled();
            }
            case 40 -> task.user().putLong(arg, task.clearChildTid());
            default -> {
                return -Errno.EINVAL;
            }
        }
        return 0;
    }

    /** PR_SET_THP_DISABLE; for the flag see {@link Thp#EXCEPT_ADVISED}. */
    @KernelFunction(value = "prctl_set_thp_disable", file = "kernel/sys.c")
    private static long setThpDisable(Task task, long disable, long flags, boolean noMore) {
        if (!noMore || (flags & ~THP_EXCEPT_ADVISED) != 0 || disable == 0 && flags != 0) {
            return -Errno.EINVAL;
        }
        MmStruct mm = task.mm();
        mm.mmapLock().writeLock();
        try {
            mm.setThpDisabled(disable == 0 ? Thp.ENABLED : flags != 0 ? Thp.EXCEPT_ADVISED : Thp.DISABLED);
        } finally {
            mm.mmapLock().writeUnlock();
        }
        return 0;
    }

    private static void setName(Task task, long address) {
        byte[] name = new byte[NAME_SIZE - 1];
        int length = 0;
        while (length < name.length) {
            byte b = task.user().getByte(address + length);
            if (b == 0) {
                break;
            }
            name[length++] = b;
        }
        task.setName(new String(name, 0, length, StandardCharsets.ISO_8859_1));
    }
}
