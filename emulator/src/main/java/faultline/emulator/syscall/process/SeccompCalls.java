package faultline.emulator.syscall.process;

import faultline.emulator.host.Nr;
import faultline.emulator.seccomp.BpfProgram;
import faultline.emulator.seccomp.SeccompFilter;
import faultline.emulator.seccomp.SeccompState;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Process;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/**
 * seccomp(2), and the part of prctl(2) that does the same. Notifications to a listener (SECCOMP_RET_USER_NOTIF) are not
 * known, as to a kernel before 5.0.
 */
final class SeccompCalls implements SyscallFamily {
    private static final int SET_MODE_STRICT = 0;
    private static final int SET_MODE_FILTER = 1;
    private static final int GET_ACTION_AVAIL = 2;

    private static final int FLAG_TSYNC = 1;
    private static final int FLAG_LOG = 2;
    private static final int FLAG_SPEC_ALLOW = 4;
    private static final int FLAG_TSYNC_ESRCH = 16;
    private static final int FLAGS = FLAG_TSYNC | FLAG_LOG | FLAG_SPEC_ALLOW | FLAG_TSYNC_ESRCH;

    /** struct sock_fprog: a count of instructions, then where they are. */
    private static final int INSTRUCTIONS_AT = 8;

    @Override
    public void register(SyscallTable table) {
        table.register(Nr.SECCOMP, "seccomp", SeccompCalls::seccomp);
    }

    @KernelFunction(value = "do_seccomp", file = "kernel/seccomp.c")
    private static long seccomp(Task task, long operation, long flags, long argument, long a3, long a4, long a5) {
        return switch ((int) operation) {
            case SET_MODE_STRICT -> (int) flags != 0 || argument != 0 ? -Errno.EINVAL : setStrict(task);
            case SET_MODE_FILTER -> setFilter(task, (int) flags, argument);
            case GET_ACTION_AVAIL ->
                (int) flags != 0 ? -Errno.EINVAL : isKnown(task.user().getInt(argument));
            default -> -Errno.EINVAL;
        };
    }

    /** prctl(PR_SET_SECCOMP). */
    @KernelFunction(value = "prctl_set_seccomp", file = "kernel/seccomp.c")
    static long set(Task task, long mode, long program) {
        return switch ((int) mode) {
            case SeccompState.MODE_STRICT -> setStrict(task);
            case SeccompState.MODE_FILTER -> setFilter(task, 0, program);
            default -> -Errno.EINVAL;
        };
    }

    private static long setStrict(Task task) {
        if (task.seccomp().mode() == SeccompState.MODE_FILTER) {
            return -Errno.EINVAL;
        }
        task.setSeccomp(SeccompState.STRICT);
        return 0;
    }

    private static long isKnown(int action) {
        return switch (action) {
            case SeccompFilter.KILL_PROCESS,
                    SeccompFilter.KILL_THREAD,
                    SeccompFilter.TRAP,
                    SeccompFilter.ERRNO,
                    SeccompFilter.TRACE,
                    SeccompFilter.LOG,
                    SeccompFilter.ALLOW -> 0;
            default -> -Errno.EOPNOTSUPP;
        };
    }

    @KernelFunction(value = "seccomp_set_mode_filter", file = "kernel/seccomp.c")
    private static long setFilter(Task task, int flags, long address) {
        if ((flags & ~FLAGS) != 0) {
            return -Errno.EINVAL;
        }
        int count = task.user().getShort(address) & 0xffff;
        if (count == 0 || count > BpfProgram.MOST_INSTRUCTIONS) {
            return -Errno.EINVAL;
        }
        if (!task.process().noNewPrivileges() && task.credentials().effective() != 0) {
            return -Errno.EACCES;
        }
        long from = task.user().getLong(address + INSTRUCTIONS_AT);
        if (from == 0) {
            return -Errno.EINVAL;
        }
        byte[] instructions = new byte[count * BpfProgram.INSTRUCTION];
        task.user().read(from, instructions, 0, instructions.length);
        BpfProgram program = BpfProgram.of(instructions);
        if (program == null || task.seccomp().mode() == SeccompState.MODE_STRICT) {
            return -Errno.EINVAL;
        }
        return attach(task, flags, program);
    }

    private static long attach(Task task, int flags, BpfProgram program) {
        Process process = task.process();
        synchronized (process.handlers()) { // as sighand->siglock: no task comes, or gets a filter, meanwhile
            SeccompState state = task.seccomp();
            if ((flags & FLAG_TSYNC) != 0) {
                for (Task other : process.tasks()) {
                    if (!other.seccomp().isOriginOf(state)) {
                        return (flags & FLAG_TSYNC_ESRCH) != 0 ? -Errno.ESRCH : other.tid();
                    }
                }
            }
            SeccompState longer = state.with(program);
            if (longer == null) {
                return -Errno.ENOMEM;
            }
            task.setSeccomp(longer);
            if ((flags & FLAG_TSYNC) != 0) {
                process.tasks().forEach(other -> other.setSeccomp(longer));
            }
            return 0;
        }
    }
}
