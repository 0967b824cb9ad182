package faultline.emulator.syscall.process;

import faultline.emulator.host.Nr;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Scheduling;
import faultline.emulator.task.Scheduling.Attributes;
import faultline.emulator.task.Task;
import faultline.emulator.task.TimeValues;
import faultline.emulator.task.VirtualCpu;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/**
 * Policies and priorities: accepted, checked and told back; all policies share the virtual CPU as the usual one.
 *
 * <p>Of sched_setattr's flags, RESET_ON_FORK and the two KEEP ones do what they say; RECLAIM and DL_OVERRUN are
 * accepted, without effect; the clamps of utilization are refused as by a kernel without them.
 */
final class SchedulingPolicyCalls implements SyscallFamily {
    private static final int ATTR_SIZE_FIRST = 48;
    private static final int ATTR_SIZE = 56;
    private static final int PAGE_SIZE = 4096;
    private static final int FLAG_RESET_ON_FORK = 1;
    private static final int FLAG_KEEP_POLICY = 8;
    private static final int FLAG_KEEP_PARAMS = 0x10;
    private static final int FLAGS_UTIL_CLAMP = 0x60;
    private static final int FLAGS = 0x7f;
    /** Keeps the policy that there is: sched_setparam(2). */
    private static final int KEEP_POLICY = -1;
    /**
     * Shortest runtime of SCHED_DEADLINE that Linux accounts for, and its shortest and longest periods, in nanoseconds.
     */
    private static final long LEAST_RUNTIME = 1 << 10;

    private static final long LEAST_PERIOD = 100_000;
    private static final long LONGEST_PERIOD = (1L << 22) * 1000;

    @Override
    public void register(SyscallTable table) {
        table.register(Nr.SCHED_GETSCHEDULER, "sched_getscheduler", (task, pid, a1, a2, a3, a4, a5) -> {
            Task target = SchedulingCalls.find(task, pid);
            if (target == null) {
                return (int) pid < 0 ? -Errno.EINVAL : -Errno.ESRCH;
            }
            Attributes now = target.scheduling().attributes();
            return now.policy() | (now.resetOnFork() ? Scheduling.RESET_ON_FORK : 0);
        });
        table.register(Nr.SCHED_GETPARAM, "sched_getparam", (task, pid, param, a2, a3, a4, a5) -> {
            Task target = SchedulingCalls.find(task, pid);
            if (target == null || param == 0) {
                return (int) pid < 0 || param == 0 ? -Errno.EINVAL : -Errno.ESRCH;
            }
            task.user().putInt(param, target.scheduling().realTimePriority());
            return 0;
        });
        table.register(
                Nr.SCHED_SETPARAM,
                "sched_setparam",
                (task, pid, param, a2, a3, a4, a5) -> setScheduler(task, (int) pid, KEEP_POLICY, param));
        table.register(
                Nr.SCHED_SETSCHEDULER,
                "sched_setscheduler",
                (task, pid, policy, param, a3, a4, a5) ->
                        (int) policy < 0 ? -Errno.EINVAL : setScheduler(task, (int) pid, (int) policy, param));
        table.register(Nr.SCHED_GETATTR, "sched_getattr", SchedulingPolicyCalls::getAttributes);
        table.register(Nr.SCHED_SETATTR, "sched_setattr", SchedulingPolicyCalls::setAttributes);
        table.register(
                Nr.SCHED_GET_PRIORITY_MAX,
                "sched_get_priority_max",
                (task, policy, a1, a2, a3, a4, a5) -> limit((int) policy, 99));
        table.register(
                Nr.SCHED_GET_PRIORITY_MIN,
                "sched_get_priority_min",
                (task, policy, a1, a2, a3, a4, a5) -> limit((int) policy, 1));
        table.register(Nr.SCHED_RR_GET_INTERVAL, "sched_rr_get_interval", (task, pid, interval, a2, a3, a4, a5) -> {
            Task target = SchedulingCalls.find(task, pid);
            if (target == null) {
                return (int) pid < 0 ? -Errno.EINVAL : -Errno.ESRCH;
            }
            // one that is first in, first out has no slice
            boolean endless = target.scheduling().attributes().policy() == Scheduling.FIFO;
            TimeValues.writeTimespec(task, interval, endless ? 0 : VirtualCpu.SLICE_NANOS);
            return 0;
        });
    }

    private static long limit(int policy, int ofRealTime) {
        return Scheduling.isRealTime(policy) ? ofRealTime : Scheduling.isKnown(policy) ? 0 : -Errno.EINVAL;
    }

    @KernelFunction(value = "do_sched_setscheduler", file = "kernel/sched/syscalls.c")
    private static long setScheduler(Task task, int pid, int policy, long param) {
        if (param == 0 || pid < 0) {
            return -Errno.EINVAL;
        }
        int priority = task.user().getInt(param);
        Task target = SchedulingCalls.find(task, pid);
        if (target == null) {
            return -Errno.ESRCH;
        }
        Attributes now = target.scheduling().attributes();
        boolean reset = policy == KEEP_POLICY ? now.resetOnFork() : (policy & Scheduling.RESET_ON_FORK) != 0;
        int plain = policy == KEEP_POLICY ? now.policy() : policy & ~Scheduling.RESET_ON_FORK;
        return set(task, target, now.with(plain, reset, priority));
    }

    @KernelFunction(value = "__sched_setscheduler", file = "kernel/sched/syscalls.c")
    private static long set(Task task, Task target, Attributes wanted) {
        int policy = wanted.policy();
        if (!Scheduling.isKnown(policy)
                || !Scheduling.isValid(policy, wanted.priority())
                || policy == Scheduling.DEADLINE && !isDeadlineValid(wanted)) {
            return -Errno.EINVAL;
        }
        Attributes now = target.scheduling().attributes();
        boolean more = wanted.nice() < now.nice()
                || policy == Scheduling.DEADLINE
                || Scheduling.isRealTime(policy) && (policy != now.policy() || wanted.priority() > now.priority())
                || now.resetOnFork() && !wanted.resetOnFork();
        boolean privileged = task.credentials().effective() == 0;
        if (!privileged && (more || !task.credentials().maySchedule(target.credentials()))) {
            return -Errno.EPERM;
        }
        target.scheduling().set(wanted);
        return 0;
    }

    @KernelFunction(value = "__checkparam_dl", file = "kernel/sched/deadline.c")
    private static boolean isDeadlineValid(Attributes wanted) {
        long period = wanted.period() == 0 ? wanted.deadline() : wanted.period();
        return wanted.deadline() > 0
                && wanted.runtime() >= LEAST_RUNTIME
                && period >= wanted.deadline()
                && wanted.deadline() >= wanted.runtime()
                && period >= LEAST_PERIOD
                && period <= LONGEST_PERIOD;
    }

    @KernelFunction(value = "sys_sched_setattr", file = "kernel/sched/syscalls.c")
    private static long setAttributes(Task task, long pid, long attr, long flags, long a3, long a4, long a5) {
        if (attr == 0 || (int) pid < 0 || (int) flags != 0) {
            return -Errno.EINVAL;
        }
        int given = task.user().getInt(attr);
        int size = given == 0 ? ATTR_SIZE_FIRST : given;
        if (size < ATTR_SIZE_FIRST || Integer.compareUnsigned(size, PAGE_SIZE) > 0) {
            task.user().putInt(attr, ATTR_SIZE);
            return -Errno.E2BIG;
        }
        for (int at = ATTR_SIZE; at < size; at++) {
            if (task.user().getByte(attr + at) != 0) {
                task.user().putInt(attr, ATTR_SIZE);
                return -Errno.E2BIG;
            }
        }
        int policy = task.user().getInt(attr + 4);
        long bits = task.user().getLong(attr + 8);
        if (policy < 0 || (bits & ~FLAGS) != 0) {
            return -Errno.EINVAL;
        }
        if ((bits & FLAGS_UTIL_CLAMP) != 0) {
            return -Errno.EOPNOTSUPP;
        }
        Task target = SchedulingCalls.find(task, pid);
        if (target == null) {
            return -Errno.ESRCH;
        }
        Attributes now = target.scheduling().attributes();
        boolean keep = (bits & FLAG_KEEP_PARAMS) != 0;
        boolean reset = (bits & FLAG_RESET_ON_FORK) != 0;
        int plain = (bits & FLAG_KEEP_POLICY) != 0 ? now.policy() : policy;
        if (keep) {
            return set(
                    task,
                    target,
                    new Attributes(
                            plain, reset, now.nice(), now.priority(), now.runtime(), now.deadline(), now.period()));
        }
        boolean hasNice = plain == Scheduling.OTHER || plain == Scheduling.BATCH;
        return set(
                task,
                target,
                new Attributes(
                        plain,
                        reset,
                        hasNice ? Math.clamp(task.user().getInt(attr + 16), -20, 19) : now.nice(),
                        task.user().getInt(attr + 20),
                        task.user().getLong(attr + 24),
                        task.user().getLong(attr + 32),
                        task.user().getLong(attr + 40)));
    }

    @KernelFunction(value = "sys_sched_getattr", file = "kernel/sched/syscalls.c")
    private static long getAttributes(Task task, long pid, long attr, long size, long flags, long a4, long a5) {
        int room = (int) size;
        if (attr == 0
                || (int) pid < 0
                || Integer.compareUnsigned(room, PAGE_SIZE) > 0
                || room < ATTR_SIZE_FIRST
                || (int) flags != 0) {
            return -Errno.EINVAL;
        }
        Task target = SchedulingCalls.find(task, pid);
        if (target == null) {
            return -Errno.ESRCH;
        }
        Attributes now = target.scheduling().attributes();
        int told = Math.min(room, ATTR_SIZE);
        task.user().clear(attr, room);
        task.user().putInt(attr, told);
        task.user().putInt(attr + 4, now.policy());
        task.user().putLong(attr + 8, now.resetOnFork() ? FLAG_RESET_ON_FORK : 0);
        task.user().putInt(attr + 16, now.policy() == Scheduling.DEADLINE ? 0 : now.nice());
        task.user().putInt(attr + 20, now.priority());
        boolean normal = now.policy() == Scheduling.OTHER || now.policy() == Scheduling.BATCH;
        task.user().putLong(attr + 24, normal && now.runtime() == 0 ? VirtualCpu.SLICE_NANOS : now.runtime());
        task.user().putLong(attr + 32, now.deadline());
        task.user().putLong(attr + 40, now.period() == 0 ? now.deadline() : now.period());
        return 0;
    }
}
