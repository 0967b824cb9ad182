package faultline.emulator.syscall.file;

import faultline.emulator.fs.FdTable;
import faultline.emulator.fs.OpenFile;
import faultline.emulator.fs.Opened;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;

/** Opening, closing and duplicating descriptors. */
final class OpenCalls implements SyscallFamily {
    private static final int CLOSE_RANGE_UNSHARE = 2;
    private static final int CLOSE_RANGE_CLOEXEC = 4;
    private static final int OPEN_HOW_SIZE = 24;
    private static final int PAGE = 4096;

    @Override
    public void register(SyscallTable table) {
        table.register(
                Nr.OPEN,
                "open",
                (t, path, flags, mode, d, e, f) -> open(t, Libc.AT_FDCWD, path, (int) flags, (int) mode));
        table.register(
                Nr.OPENAT,
                "openat",
                (t, dir, path, flags, mode, e, f) -> open(t, (int) dir, path, (int) flags, (int) mode));
        table.register(Nr.OPENAT2, "openat2", OpenCalls::openat2);
        table.register(
                Nr.CREAT,
                "creat",
                (t, path, mode, c, d, e, f) ->
                        open(t, Libc.AT_FDCWD, path, OpenFlags.O_CREAT | OpenFlags.O_WRONLY | OpenFlags.O_TRUNC, (int)
                                mode));
        table.register(
                Nr.CLOSE, "close", (t, fd, b, c, d, e, f) -> FileCall.files(t).close((int) fd));
        table.register(Nr.CLOSE_RANGE, "close_range", OpenCalls::closeRange);
        table.register(Nr.DUP, "dup", (t, fd, b, c, d, e, f) -> dup(t, (int) fd));
        table.register(Nr.DUP2, "dup2", OpenCalls::dup2);
        table.register(Nr.DUP3, "dup3", OpenCalls::dup3);
    }

    private static long open(Task t, int dirFd, long pathAddress, int flags, int mode) {
        String path = FileCall.path(t, pathAddress);
        if (path == null) {
            return -Errno.ENAMETOOLONG;
        }
        OpenFile base = null;
        if (dirFd != Libc.AT_FDCWD && !path.startsWith("/")) {
            base = FileCall.files(t).get(dirFd);
            if (base == null) {
                return path.isEmpty() ? -Errno.ENOENT : -Errno.EBADF;
            }
        }
        try {
            Opened opened = FileCall.fs(t).open(t, base, path, flags, mode);
            return opened.file() == null ? opened.error() : install(t, opened.file(), flags);
        } finally {
            if (base != null) {
                base.put();
            }
        }
    }

    private static long install(Task t, OpenFile file, int flags) {
        if ((flags & (OpenFlags.O_NOCTTY | OpenFlags.O_PATH)) == 0) {
            t.kernel().terminals().opened(t, file);
        }
        return FileCall.install(t, file, (flags & OpenFlags.O_CLOEXEC) != 0);
    }

    private static long openat2(Task t, long dir, long path, long how, long size, long e, long f) {
        if (size < OPEN_HOW_SIZE) {
            return -Errno.EINVAL;
        }
        if (size > PAGE) {
            return -Errno.E2BIG;
        }
        long flags = t.user().getLong(how);
        long mode = t.user().getLong(how + 8);
        long resolve = t.user().getLong(how + 16);
        for (long at = OPEN_HOW_SIZE; at < size; at++) {
            if (t.user().getByte(how + at) != 0) {
                return -Errno.E2BIG;
            }
        }
        boolean creates = (flags & OpenFlags.O_CREAT) != 0 || (flags & OpenFlags.O_TMPFILE) == OpenFlags.O_TMPFILE;
        if ((flags & ~(long) OpenFlags.VALID) != 0 || (mode & ~07777L) != 0 || mode != 0 && !creates) {
            return -Errno.EINVAL;
        }
        return RestrictedOpen.run(t, (int) dir, path, (int) flags, (int) mode, resolve);
    }

    private static long closeRange(Task t, long first, long last, long flags, long d, long e, long f) {
        if ((flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) != 0
                || Integer.compareUnsigned((int) first, (int) last) > 0) {
            return -Errno.EINVAL;
        }
        if ((flags & CLOSE_RANGE_UNSHARE) != 0) {
            t.unshareFiles();
        }
        FdTable files = FileCall.files(t);
        int from = (int) first < 0 ? Integer.MAX_VALUE : (int) first;
        int to = (int) last < 0 ? Integer.MAX_VALUE : (int) last;
        if ((flags & CLOSE_RANGE_CLOEXEC) != 0) {
            files.setCloseOnExecRange(from, to);
        } else {
            files.closeRange(from, to);
        }
        return 0;
    }

    private static long dup(Task t, int fd) {
        OpenFile file = FileCall.files(t).get(fd);
        return file == null ? -Errno.EBADF : FileCall.install(t, file, false);
    }

    private static long dup2(Task t, long from, long to, long c, long d, long e, long f) {
        if ((int) from == (int) to) {
            return FileCall.onFile(t, from, file -> (int) to);
        }
        return replace(t, (int) from, (int) to, false);
    }

    private static long dup3(Task t, long from, long to, long flags, long d, long e, long f) {
        if ((flags & ~OpenFlags.O_CLOEXEC) != 0 || (int) from == (int) to) {
            return -Errno.EINVAL;
        }
        return replace(t, (int) from, (int) to, (flags & OpenFlags.O_CLOEXEC) != 0);
    }

    private static long replace(Task t, int from, int to, boolean cloexec) {
        OpenFile file = FileCall.files(t).get(from);
        if (file == null) {
            return -Errno.EBADF;
        }
        int fd = FileCall.files(t).replace(to, file, cloexec, FileCall.fdLimit(t));
        if (fd < 0) {
            file.put();
        }
        return fd;
    }
}
