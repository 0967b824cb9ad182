package faultline.emulator.syscall.process;

import faultline.emulator.fs.FdTable;
import faultline.emulator.fs.OpenFile;
import faultline.emulator.fs.VirtualDirectory;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.emulator.signal.SigInfo;
import faultline.emulator.signal.SignalSender;
import faultline.emulator.signal.Signals;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.PidFile;
import faultline.emulator.task.Process;
import faultline.emulator.task.Rlimits;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.util.function.ToLongFunction;

/**
 * Descriptors of processes. Of the flags, PIDFD_THREAD is refused as by a kernel before 6.9, and so is CLONE_PIDFD with
 * CLONE_THREAD: a descriptor here is always of a whole process.
 */
final class PidfdCalls implements SyscallFamily {
    private static final int THREAD_GROUP = 2;
    private static final int PROCESS_GROUP = 4;

    @Override
    public void register(SyscallTable table) {
        table.register(Nr.PIDFD_OPEN, "pidfd_open", PidfdCalls::open);
        table.register(Nr.PIDFD_SEND_SIGNAL, "pidfd_send_signal", PidfdCalls::sendSignal);
        table.register(Nr.PIDFD_GETFD, "pidfd_getfd", PidfdCalls::getFd);
    }

    @KernelFunction(value = "pidfd_open", file = "kernel/pid.c")
    private static long open(Task task, long pid, long flags, long a2, long a3, long a4, long a5) {
        if (((int) flags & ~OpenFlags.O_NONBLOCK) != 0 || (int) pid <= 0) {
            return -Errno.EINVAL;
        }
        Process process = task.kernel().processes().get((int) pid);
        if (process == null) {
            // a thread has an id, but is no process
            return task.kernel().tasks().get((int) pid) == null ? -Errno.ESRCH : -Errno.ENOENT;
        }
        PidFile file = PidFile.open(process, (int) flags);
        return file == null ? -Errno.EMFILE : install(task, file);
    }

    private static long install(Task task, OpenFile file) {
        int fd = task.files().install(file, 0, true, task.process().rlimits().soft(Rlimits.NOFILE));
        if (fd < 0) {
            file.put();
        }
        return fd;
    }

    /**
     * The process behind a descriptor with a function applied to it; -EBADF when it is none of a process.
     *
     * @param orDirectory whether an open directory /proc/PID will do
     */
    private static long on(Task task, long fd, boolean orDirectory, ToLongFunction<Process> body) {
        OpenFile file = task.files().get((int) fd);
        if (file == null) {
            return -Errno.EBADF;
        }
        try {
            Process process = file instanceof PidFile pidFile
                    ? pidFile.process()
                    : orDirectory ? procDirectory(task, file) : null;
            return process == null ? -Errno.EBADF : body.applyAsLong(process);
        } finally {
            file.put();
        }
    }

    /** The process of an open directory /proc/PID, which counts as a descriptor of it; null for any other file. */
    @KernelFunction(value = "tgid_pidfd_to_pid", file = "fs/proc/base.c")
    private static Process procDirectory(Task task, OpenFile file) {
        String path = file instanceof VirtualDirectory directory ? directory.path() : "";
        if (!path.matches("/proc/[1-9][0-9]{0,8}")) {
            return null;
        }
        return task.kernel().processes().get(Integer.parseInt(path.substring("/proc/".length())));
    }

    @KernelFunction(value = "pidfd_send_signal", file = "kernel/signal.c")
    private static long sendSignal(Task task, long fd, long number, long info, long flags, long a4, long a5) {
        int kind = (int) flags;
        if (kind != 0 && kind != THREAD_GROUP && kind != PROCESS_GROUP) {
            return -Errno.EINVAL;
        }
        int signal = (int) number;
        return on(task, fd, true, target -> {
            SigInfo sent = SigInfo.user(
                    signal, SigInfo.SI_USER, task.pid(), task.kernel().uid());
            if (info != 0) {
                byte[] bytes = new byte[SigInfo.SIZE];
                task.user().read(info, bytes, 0, SigInfo.SIZE);
                sent = SigInfo.queued(signal, bytes);
                int named = bytes[0] & 0xff | (bytes[1] & 0xff) << 8 | (bytes[2] & 0xff) << 16 | bytes[3] << 24;
                if (named != signal) {
                    return -Errno.EINVAL;
                }
                boolean asKernel = sent.code() >= 0 || sent.code() == SigInfo.SI_TKILL;
                if (asKernel && (target != task.process() || kind == PROCESS_GROUP)) {
                    return -Errno.EPERM;
                }
            }
            if (signal < 0 || signal > Signals.MAX) {
                return -Errno.EINVAL;
            }
            if (target != task.process()
                    && !task.credentials().maySignal(target.leader().credentials())) {
                return -Errno.EPERM;
            }
            return kind == PROCESS_GROUP
                    ? toGroup(task, target.groupId(), signal, sent)
                    : toProcess(target, signal, sent);
        });
    }

    private static long toProcess(Process target, int signal, SigInfo info) {
        if (target.kernel().processes().get(target.pid()) != target) {
            return -Errno.ESRCH;
        }
        if (signal != 0 && !target.zombie()) {
            SignalSender.sendToProcess(target, info);
        }
        return 0;
    }

    private static long toGroup(Task task, int group, int signal, SigInfo info) {
        long result = -Errno.ESRCH;
        for (Process process : task.kernel().processes().values()) {
            if (process.groupId() == group) {
                result = toProcess(process, signal, info);
            }
        }
        return result;
    }

    /** Takes a copy of another process' descriptor. */
    @KernelFunction(value = "pidfd_getfd", file = "kernel/pid.c")
    private static long getFd(Task task, long fd, long wanted, long flags, long a3, long a4, long a5) {
        if ((int) flags != 0) {
            return -Errno.EINVAL;
        }
        return on(task, fd, false, target -> {
            FdTable files = target.zombie() ? null : target.files();
            if (files == null) {
                return -Errno.ESRCH;
            }
            boolean dumpable = target.dumpable() == 1 || task.credentials().effective() == 0;
            boolean allowed =
                    dumpable && task.credentials().mayAccess(target.leader().credentials());
            if (!allowed && target != task.process()) {
                return -Errno.EPERM;
            }
            OpenFile file = files.get((int) wanted);
            return file == null ? -Errno.EBADF : install(task, file);
        });
    }
}
