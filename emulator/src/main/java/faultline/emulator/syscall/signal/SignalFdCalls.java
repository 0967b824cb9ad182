package faultline.emulator.syscall.signal;

import faultline.emulator.fs.OpenFile;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.emulator.signal.SignalFile;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Rlimits;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/** signalfd(2). */
final class SignalFdCalls implements SyscallFamily {
    private static final int SET_SIZE = 8;

    @Override
    public void register(SyscallTable table) {
        table.register(
                Nr.SIGNALFD, "signalfd", (task, fd, set, size, a3, a4, a5) -> signalfd(task, (int) fd, set, size, 0));
        table.register(
                Nr.SIGNALFD4,
                "signalfd4",
                (task, fd, set, size, flags, a4, a5) -> signalfd(task, (int) fd, set, size, (int) flags));
    }

    @KernelFunction(value = "do_signalfd4", file = "fs/signalfd.c")
    private static long signalfd(Task task, int fd, long set, long size, int flags) {
        if (size != SET_SIZE) {
            return -Errno.EINVAL;
        }
        long mask = task.user().getLong(set);
        if ((flags & ~(OpenFlags.O_CLOEXEC | OpenFlags.O_NONBLOCK)) != 0) {
            return -Errno.EINVAL;
        }
        if (fd != -1) {
            return change(task, fd, mask);
        }
        SignalFile file = SignalFile.create(task, mask, flags);
        if (file == null) {
            return -Errno.EMFILE;
        }
        long limit = task.process().rlimits().soft(Rlimits.NOFILE);
        int result = task.files().install(file, 0, (flags & OpenFlags.O_CLOEXEC) != 0, limit);
        if (result < 0) {
            file.put();
        }
        return result;
    }

    private static long change(Task task, int fd, long mask) {
        OpenFile file = task.files().get(fd);
        if (file == null) {
            return -Errno.EBADF;
        }
        try {
            if (!(file instanceof SignalFile signals)) {
                return -Errno.EINVAL;
            }
            signals.setMask(mask);
            return fd;
        } finally {
            file.put();
        }
    }
}
