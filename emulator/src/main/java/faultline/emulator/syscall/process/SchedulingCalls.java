package faultline.emulator.syscall.process;

import faultline.emulator.host.Nr;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;

/**
 * Scheduling: one processor, number 0, of node 0; nice values. Nice values decide how the virtual CPU is shared, except
 * with a seed, which decides alone.
 */
final class SchedulingCalls implements SyscallFamily {
    @Override
    public void register(SyscallTable table) {
        table.register(Nr.SCHED_YIELD, "sched_yield", (task, a0, a1, a2, a3, a4, a5) -> {
            task.kernel().cpu().yield(task);
            return 0;
        });
        table.register(Nr.SCHED_GETAFFINITY, "sched_getaffinity", SchedulingCalls::getAffinity);
        table.register(Nr.SCHED_SETAFFINITY, "sched_setaffinity", SchedulingCalls::setAffinity);
        table.register(Nr.GETCPU, "getcpu", (task, cpu, node, a2, a3, a4, a5) -> {
            if (cpu != 0) {
                task.user().putInt(cpu, 0);
            }
            if (node != 0) {
                task.user().putInt(node, 0);
            }
            return 0;
        });
        new SchedulingPolicyCalls().register(table);
        table.register(Nr.GETPRIORITY, "getpriority", (task, which, who, a2, a3, a4, a5) -> {
            Task target = which == 0 ? find(task, who) : which > 2 ? null : task;
            if (target == null) {
                return which > 2 ? -Errno.EINVAL : -Errno.ESRCH;
            }
            return 20 - target.scheduling().nice();
        });
        table.register(Nr.SETPRIORITY, "setpriority", SchedulingCalls::setPriority);
    }

    /** The task that an id names, 0 the caller; null when there is none. */
    static Task find(Task task, long pid) {
        return (int) pid == 0 ? task : task.kernel().tasks().get((int) pid);
    }

    private static long getAffinity(Task task, long pid, long length, long mask, long a3, long a4, long a5) {
        if (length < 8 || (length & 7) != 0) {
            return -Errno.EINVAL;
        }
        if (find(task, pid) == null) {
            return -Errno.ESRCH;
        }
        task.user().putLong(mask, 1);
        return 8;
    }

    private static long setAffinity(Task task, long pid, long length, long mask, long a3, long a4, long a5) {
        int wanted = (int) length == 0 ? 0 : task.user().getByte(mask);
        Task target = find(task, pid);
        if (target == null) {
            return -Errno.ESRCH;
        }
        if (!task.credentials().maySchedule(target.credentials())) {
            return -Errno.EPERM;
        }
        return (wanted & 1) == 0 ? -Errno.EINVAL : 0;
    }

    private static long setPriority(Task task, long which, long who, long value, long a3, long a4, long a5) {
        if (which < 0 || which > 2) {
            return -Errno.EINVAL;
        }
        Task target = which == 0 ? find(task, who) : task;
        if (target == null) {
            return -Errno.ESRCH;
        }
        int nice = Math.clamp((int) value, -20, 19);
        if (!task.credentials().maySchedule(target.credentials())) {
            return -Errno.EPERM;
        }
        if (nice < target.scheduling().nice() && task.credentials().effective() != 0) {
            return -Errno.EACCES;
        }
        target.scheduling().setNice(nice);
        return 0;
    }
}
