package faultline.emulator.syscall.process;

import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Process;
import faultline.emulator.task.Rlimits;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/** Resource limits. */
final class LimitCalls implements SyscallFamily {
    /** fs.nr_open: no limit on descriptors may be above it. */
    private static final long NR_OPEN = 1_048_576;

    @Override
    public void register(SyscallTable table) {
        table.register(
                Nr.GETRLIMIT,
                "getrlimit",
                (task, resource, limit, a2, a3, a4, a5) -> limit(task, task.process(), resource, 0, limit));
        table.register(
                Nr.SETRLIMIT,
                "setrlimit",
                (task, resource, limit, a2, a3, a4, a5) -> (int) resource < 0 || (int) resource >= Rlimits.COUNT
                        ? -Errno.EINVAL
                        : limit(task, task.process(), resource, limit, 0));
        table.register(Nr.PRLIMIT64, "prlimit64", (task, pid, resource, newLimit, oldLimit, a4, a5) -> {
            Process target =
                    (int) pid == 0 ? task.process() : task.kernel().processes().get((int) pid);
            if (target == null) {
                return -Errno.ESRCH;
            }
            boolean allowed = target == task.process()
                    || task.credentials().mayAccess(target.leader().credentials());
            return allowed ? limit(task, target, resource, newLimit, oldLimit) : -Errno.EPERM;
        });
    }

    @KernelFunction(value = "do_prlimit", file = "kernel/sys.c")
    private static long limit(Task task, Process process, long which, long newLimit, long oldLimit) {
        int resource = (int) which;
        if (resource < 0 || resource >= Rlimits.COUNT) {
            return -Errno.EINVAL;
        }
        Rlimits limits = process.rlimits();
        long soft = limits.soft(resource);
        long hard = limits.hard(resource);
        if (newLimit != 0) {
            long newSoft = task.user().getLong(newLimit);
            long newHard = task.user().getLong(newLimit + 8);
            if (Long.compareUnsigned(newSoft, newHard) > 0) {
                return -Errno.EINVAL;
            }
            if (resource == Rlimits.NOFILE && Long.compareUnsigned(newHard, NR_OPEN) > 0) {
                return -Errno.EPERM;
            }
            if (Long.compareUnsigned(newHard, hard) > 0 && Libc.call(Nr.GETEUID) != 0) {
                return -Errno.EPERM;
            }
            limits.set(resource, newSoft, newHard);
        }
        if (oldLimit != 0) {
            task.user().putLong(oldLimit, soft);
            task.user().putLong(oldLimit + 8, hard);
        }
        return 0;
    }
}
