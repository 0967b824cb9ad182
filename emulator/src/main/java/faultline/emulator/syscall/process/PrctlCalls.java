package faultline.emulator.syscall.process;

import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.signal.Signals;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Process;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.Thp;
import java.nio.charset.StandardCharsets;

/** prctl(2): the options' numbers are those of {@code linux/prctl.h}; one that is not among them is EINVAL. */
final class PrctlCalls implements SyscallFamily {
    private static final int PR_SET_PDEATHSIG = 1;
    private static final int PR_GET_PDEATHSIG = 2;
    private static final int PR_GET_DUMPABLE = 3;
    private static final int PR_SET_DUMPABLE = 4;
    private static final int PR_GET_KEEPCAPS = 7;
    private static final int PR_SET_KEEPCAPS = 8;
    private static final int PR_SET_NAME = 15;
    private static final int PR_GET_NAME = 16;
    private static final int PR_GET_SECCOMP = 21;
    private static final int PR_SET_SECCOMP = 22;
    private static final int PR_CAPBSET_READ = 23;
    private static final int PR_CAPBSET_DROP = 24;
    private static final int PR_GET_TSC = 25;
    private static final int PR_SET_TSC = 26;
    private static final int PR_GET_SECUREBITS = 27;
    private static final int PR_SET_SECUREBITS = 28;
    private static final int PR_SET_TIMERSLACK = 29;
    private static final int PR_GET_TIMERSLACK = 30;
    private static final int PR_SET_CHILD_SUBREAPER = 36;
    private static final int PR_GET_CHILD_SUBREAPER = 37;
    private static final int PR_SET_NO_NEW_PRIVS = 38;
    private static final int PR_GET_NO_NEW_PRIVS = 39;
    private static final int PR_GET_TID_ADDRESS = 40;
    private static final int PR_SET_MEMORY_MERGE = 67;
    private static final int PR_GET_MEMORY_MERGE = 68;
    private static final int PR_SET_THP_DISABLE = 41;
    private static final int PR_GET_THP_DISABLE = 42;
    private static final int PR_CAP_AMBIENT = 47;

    /** Bytes of a task's name with the 0 that ends it. */
    private static final int NAME_SIZE = 16;

    private static final int TSC_ENABLE = 1;
    private static final int THP_EXCEPT_ADVISED = 2;

    @Override
    public void register(SyscallTable table) {
        table.register(Nr.PRCTL, "prctl", PrctlCalls::prctl);
    }

    private static long prctl(Task task, long option, long arg, long a2, long a3, long a4, long a5) {
        Process process = task.process();
        boolean noMore = a2 == 0 && a3 == 0 && a4 == 0;
        return switch ((int) option) {
            case PR_SET_PDEATHSIG -> setParentDeathSignal(process, arg);
            case PR_GET_PDEATHSIG -> store(task, arg, process.parentDeathSignal());
            case PR_GET_DUMPABLE -> process.dumpable();
            case PR_SET_DUMPABLE -> setDumpable(process, arg);
            case PR_GET_KEEPCAPS, PR_GET_SECUREBITS -> Libc.call(Nr.PRCTL, option);
            case PR_SET_KEEPCAPS, PR_SET_SECUREBITS, PR_CAP_AMBIENT -> Libc.call(Nr.PRCTL, option, arg, a2, a3, a4);
            case PR_CAPBSET_READ, PR_CAPBSET_DROP -> Libc.call(Nr.PRCTL, option, arg);
            case PR_SET_NAME -> setName(task, arg);
            case PR_GET_NAME -> getName(task, arg);
            case PR_GET_SECCOMP -> task.seccomp().mode();
            case PR_SET_SECCOMP -> SeccompCalls.set(task, arg, a2);
            case PR_GET_TSC -> store(task, arg, TSC_ENABLE);
            case PR_SET_TSC -> arg == TSC_ENABLE ? 0 : -Errno.EINVAL;
            case PR_SET_TIMERSLACK -> setTimerSlack(process, arg);
            case PR_GET_TIMERSLACK -> process.timerSlack();
            case PR_SET_CHILD_SUBREAPER -> setChildSubreaper(process, arg);
            case PR_GET_CHILD_SUBREAPER -> store(task, arg, process.childSubreaper() ? 1 : 0);
            case PR_SET_NO_NEW_PRIVS -> arg == 1 && noMore ? setNoNewPrivileges(process) : -Errno.EINVAL;
            case PR_GET_NO_NEW_PRIVS -> arg != 0 || !noMore ? -Errno.EINVAL : process.noNewPrivileges() ? 1 : 0;
            case PR_GET_TID_ADDRESS -> getTidAddress(task, arg);
            case PR_SET_MEMORY_MERGE ->
                noMore && a2 == 0 ? task.kernel().memory().ksm().setMergeAny(task.mm(), arg != 0) : -Errno.EINVAL;
            case PR_GET_MEMORY_MERGE ->
                arg != 0 || a2 != 0 || !noMore
                        ? -Errno.EINVAL
                        : task.kernel().memory().ksm().mergesAny(task.mm()) ? 1 : 0;
            case PR_SET_THP_DISABLE -> setThpDisable(task, arg, a2, a3 == 0 && a4 == 0);
            case PR_GET_THP_DISABLE ->
                arg != 0 || !noMore ? -Errno.EINVAL : task.mm().thpDisabled();
            default -> -Errno.EINVAL;
        };
    }

    /** Stores an int result where the guest wants it. */
    private static long store(Task task, long address, int value) {
        task.user().putInt(address, value);
        return 0;
    }

    private static long setParentDeathSignal(Process process, long signal) {
        if (signal < 0 || signal > Signals.MAX) {
            return -Errno.EINVAL;
        }
        process.setParentDeathSignal((int) signal);
        return 0;
    }

    private static long setDumpable(Process process, long dumpable) {
        if (dumpable != 0 && dumpable != 1) {
            return -Errno.EINVAL;
        }
        process.setDumpable((int) dumpable);
        return 0;
    }

    private static long setTimerSlack(Process process, long nanoseconds) {
        process.setTimerSlack((int) Math.clamp(nanoseconds, 0, Integer.MAX_VALUE));
        return 0;
    }

    private static long setChildSubreaper(Process process, long on) {
        process.setChildSubreaper(on != 0);
        return 0;
    }

    private static long setNoNewPrivileges(Process process) {
        process.setNoNewPrivileges();
        return 0;
    }

    private static long getTidAddress(Task task, long address) {
        task.user().putLong(address, task.clearChildTid());
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

    private static long setName(Task task, long address) {
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
        return 0;
    }

    private static long getName(Task task, long address) {
        byte[] name = new byte[NAME_SIZE];
        byte[] now = task.name().getBytes(StandardCharsets.ISO_8859_1);
        System.arraycopy(now, 0, name, 0, Math.min(now.length, NAME_SIZE - 1));
        task.user().write(address, name, 0, NAME_SIZE);
        return 0;
    }
}
