package faultline.emulator.syscall.process;

import faultline.emulator.cpu.CpuState;
import faultline.emulator.fs.OpenFile;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.signal.SignalSender;
import faultline.emulator.signal.Signals;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.CloneRequest;
import faultline.emulator.task.Cloner;
import faultline.emulator.task.Programs;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import java.util.ArrayList;
import java.util.List;

/** Birth and end of tasks and processes, and the programs they execute. */
final class LifeCalls implements SyscallFamily {
    private static final int PATH_MAX = 4096;
    private static final int ARGUMENT_MAX = 131_072;
    private static final int MOST_ARGUMENTS = 0x7fff_ffff / 8;
    private static final int AT_EMPTY_PATH = 0x1000;
    private static final int AT_SYMLINK_NOFOLLOW = 0x100;
    private static final int O_NOFOLLOW = 0x20000;
    private static final int CLONE_ARGS_FIRST = 64;
    private static final int CLONE_ARGS_SIZE = 88;
    private static final int PAGE_SIZE = 4096;
    private static final long CSIGNAL = 0xff;

    @Override
    public void register(SyscallTable table) {
        table.register(Nr.EXIT, "exit", (task, status, a1, a2, a3, a4, a5) -> {
            task.exit(((int) status & 0xff) << 8);
            return 0;
        });
        table.register(Nr.EXIT_GROUP, "exit_group", (task, status, a1, a2, a3, a4, a5) -> {
            SignalSender.exitGroup(task.process(), ((int) status & 0xff) << 8);
            task.exit(((int) status & 0xff) << 8);
            return 0;
        });
        table.register(
                Nr.FORK,
                "fork",
                (task, a0, a1, a2, a3, a4, a5) ->
                        Cloner.clone(task, new CloneRequest(0, Signals.SIGCHLD, 0, 0, 0, 0, 0)));
        table.register(
                Nr.VFORK,
                "vfork",
                (task, a0, a1, a2, a3, a4, a5) -> Cloner.clone(
                        task, new CloneRequest(CloneRequest.VFORK | CloneRequest.VM, Signals.SIGCHLD, 0, 0, 0, 0, 0)));
        table.register(
                Nr.CLONE,
                "clone",
                (task, flags, stack, parentTid, childTid, tls, a5) -> Cloner.clone(
                        task,
                        new CloneRequest(
                                flags & 0xffffffffL & ~CSIGNAL,
                                (int) (flags & CSIGNAL),
                                stack,
                                parentTid,
                                childTid,
                                tls,
                                parentTid)));
        table.register(Nr.CLONE3, "clone3", LifeCalls::clone3);
        table.register(Nr.EXECVE, "execve", (task, path, argv, env, a3, a4, a5) -> {
            String name = path(task, path);
            if (name == null) {
                return -Errno.ENAMETOOLONG;
            }
            return name.isEmpty() ? -Errno.ENOENT : execute(task, null, name, argv, env, 0);
        });
        table.register(Nr.EXECVEAT, "execveat", LifeCalls::execveat);
        new WaitCalls().register(table);
    }

    private static long clone3(Task task, long args, long size, long a2, long a3, long a4, long a5) {
        if (size > PAGE_SIZE) {
            return -Errno.E2BIG;
        }
        if (size < CLONE_ARGS_FIRST) {
            return -Errno.EINVAL;
        }
        for (long at = CLONE_ARGS_SIZE; at < size; at++) {
            if (task.user().getByte(args + at) != 0) {
                return -Errno.E2BIG;
            }
        }
        long[] field = new long[CLONE_ARGS_SIZE / 8];
        for (int i = 0; i < field.length && 8L * i < size; i++) {
            field[i] = task.user().getLong(args + 8L * i);
        }
        long flags = field[0];
        long exitSignal = field[4];
        long stack = field[5];
        long stackSize = field[6];
        boolean badSignal = (exitSignal & ~CSIGNAL) != 0 || exitSignal > Signals.MAX;
        boolean signalOfThread = exitSignal != 0 && (flags & (CloneRequest.THREAD | CloneRequest.PARENT)) != 0;
        if ((flags & CSIGNAL & ~CloneRequest.NEWTIME) != 0
                || (flags & CloneRequest.DETACHED) != 0
                || badSignal
                || (flags & CloneRequest.INTO_CGROUP) != 0 && (size < CLONE_ARGS_SIZE || field[10] >>> 31 != 0)
                || signalOfThread
                || (stack == 0) != (stackSize == 0)) {
            return -Errno.EINVAL;
        }
        if (field[8] != 0 || field[9] != 0) {
            // ids chosen by the caller need rights over the pid namespace
            return field[8] == 0 || field[9] == 0 ? -Errno.EINVAL : -Errno.EPERM;
        }
        return Cloner.clone(
                task,
                new CloneRequest(
                        flags, (int) exitSignal, stack + stackSize, field[3], field[2], field[7], field[1], field[10]));
    }

    private static long execveat(Task task, long dirfd, long path, long argv, long env, long flags, long a5) {
        if ((flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) != 0) {
            return -Errno.EINVAL;
        }
        String name = path(task, path);
        if (name == null) {
            return -Errno.ENAMETOOLONG;
        }
        int openFlags = (flags & AT_SYMLINK_NOFOLLOW) != 0 ? O_NOFOLLOW : 0;
        if (name.isEmpty() && (flags & AT_EMPTY_PATH) == 0) {
            return -Errno.ENOENT;
        }
        if (name.startsWith("/") || (int) dirfd == Libc.AT_FDCWD) {
            return execute(task, null, name, argv, env, openFlags);
        }
        OpenFile base = task.files().get((int) dirfd);
        if (base == null) {
            return -Errno.EBADF;
        }
        try {
            // the file itself goes by its descriptor's name, as fexecve without AT_EMPTY_PATH does
            return name.isEmpty()
                    ? execute(task, null, "/proc/self/fd/" + (int) dirfd, argv, env, 0)
                    : execute(task, base, name, argv, env, openFlags);
        } finally {
            base.put();
        }
    }

    private static String path(Task task, long address) {
        return task.user().readString(address, PATH_MAX);
    }

    private static long execute(Task task, OpenFile base, String path, long argv, long env, int openFlags) {
        List<String> arguments = strings(task, argv);
        List<String> environment = strings(task, env);
        if (arguments == null || environment == null) {
            return -Errno.E2BIG;
        }
        long result = Programs.execute(task, base, path, arguments, environment, openFlags);
        return result < 0 ? result : task.cpuState().get(CpuState.RAX);
    }

    /** A null-terminated vector of strings; a null vector is empty. Null when it is too large. */
    private static List<String> strings(Task task, long vector) {
        List<String> strings = new ArrayList<>();
        if (vector == 0) {
            return strings;
        }
        long total = 0;
        for (int i = 0; i < MOST_ARGUMENTS; i++) {
            long at = task.user().getLong(vector + 8L * i);
            if (at == 0) {
                return strings;
            }
            String text = task.user().readString(at, ARGUMENT_MAX);
            total += text == null ? Long.MAX_VALUE / 2 : text.length() + 9;
            if (total > 8L << 20) {
                return null;
            }
            strings.add(text);
        }
        return null;
    }
}
