package faultline.emulator.syscall.process;

import faultline.emulator.host.Nr;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Process;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/** Process groups and sessions. */
final class GroupCalls implements SyscallFamily {
    @Override
    public void register(SyscallTable table) {
        table.register(
                Nr.GETPGRP,
                "getpgrp",
                (task, a0, a1, a2, a3, a4, a5) -> task.process().groupId());
        table.register(Nr.GETPGID, "getpgid", (task, pid, a1, a2, a3, a4, a5) -> {
            Process target = find(task, (int) pid);
            return target == null ? -Errno.ESRCH : target.groupId();
        });
        table.register(Nr.GETSID, "getsid", (task, pid, a1, a2, a3, a4, a5) -> {
            Process target = find(task, (int) pid);
            return target == null ? -Errno.ESRCH : target.sessionId();
        });
        table.register(
                Nr.SETPGID, "setpgid", (task, pid, group, a2, a3, a4, a5) -> setGroup(task, (int) pid, (int) group));
        table.register(Nr.SETSID, "setsid", (task, a0, a1, a2, a3, a4, a5) -> newSession(task));
    }

    private static Process find(Task task, int pid) {
        return pid == 0 ? task.process() : task.kernel().processes().get(pid);
    }

    @KernelFunction(value = "setpgid", file = "kernel/sys.c")
    private static long setGroup(Task task, int pid, int wanted) {
        Process self = task.process();
        int group = wanted == 0 ? (pid == 0 ? self.pid() : pid) : wanted;
        if (group < 0) {
            return -Errno.EINVAL;
        }
        synchronized (task.kernel().familyLock()) {
            Process target = find(task, pid);
            if (target == null || target != self && target.parent() != self) {
                return -Errno.ESRCH;
            }
            if (target != self && target.sessionId() != self.sessionId()) {
                return -Errno.EPERM;
            }
            if (target != self && target.execed()) {
                return -Errno.EACCES;
            }
            if (target.sessionId() == target.pid()) {
                return -Errno.EPERM;
            }
            if (group != target.pid() && !groupInSession(task, group, self.sessionId())) {
                return -Errno.EPERM;
            }
            target.setGroupId(group);
            return 0;
        }
    }

    private static boolean groupInSession(Task task, int group, int session) {
        for (Process process : task.kernel().processes().values()) {
            if (process.groupId() == group && process.sessionId() == session) {
                return true;
            }
        }
        return false;
    }

    @KernelFunction(value = "ksys_setsid", file = "kernel/sys.c")
    private static long newSession(Task task) {
        Process self = task.process();
        synchronized (task.kernel().familyLock()) {
            for (Process process : task.kernel().processes().values()) {
                if (process.groupId() == self.pid()) {
                    return -Errno.EPERM;
                }
            }
            self.setSessionId(self.pid());
            self.setGroupId(self.pid());
            return self.pid();
        }
    }
}
