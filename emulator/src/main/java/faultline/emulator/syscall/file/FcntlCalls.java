package faultline.emulator.syscall.file;

import faultline.emulator.fs.OpenFile;
import faultline.emulator.host.HostScratch;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.emulator.syscall.Restart;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * fcntl and flock.
 *
 * <table>
 * <caption>fcntl commands</caption>
 * <tr><td>F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD</td><td>our own table</td></tr>
 * <tr><td>F_GETFL, F_SETFL</td><td>the open file's</td></tr>
 * <tr><td>F_GETLK, F_SETLK, F_SETLKW, F_OFD_*</td><td>{@link faultline.emulator.fs.RecordLocks}: between guest
 * processes only</td></tr>
 * <tr><td>F_*_RW_HINT</td><td>the host's, with their argument copied</td></tr>
 * <tr><td>F_GETPIPE_SZ, F_SETPIPE_SZ, F_ADD_SEALS, F_GET_SEALS, F_CREATED_QUERY</td><td>the host's</td></tr>
 * <tr><td>F_SETOWN, F_SETOWN_EX, F_SETSIG, …</td><td>{@link OwnerCalls}</td></tr>
 * <tr><td>F_GETLEASE, F_SETLEASE, F_NOTIFY</td><td>the host's, whose signal is passed on to the file's owner</td></tr>
 * </table>
 */
final class FcntlCalls implements SyscallFamily {
    private static final int F_DUPFD = 0;
    private static final int F_GETFD = 1;
    private static final int F_SETFD = 2;
    private static final int F_GETFL = 3;
    private static final int F_SETFL = 4;
    private static final int F_GETLEASE = 1025;
    private static final int F_DUPFD_QUERY = 1027;
    private static final int F_CREATED_QUERY = 1028;
    private static final int F_DUPFD_CLOEXEC = 1030;
    private static final int F_SETPIPE_SZ = 1031;
    private static final int F_GETPIPE_SZ = 1032;
    private static final int F_ADD_SEALS = 1033;
    private static final int F_GET_SEALS = 1034;
    private static final int F_GET_RW_HINT = 1035;
    private static final int F_SET_FILE_RW_HINT = 1038;
    private static final int SETTABLE =
            OpenFlags.O_APPEND | OpenFlags.O_NONBLOCK | OpenFlags.O_DIRECT | OpenFlags.O_NOATIME | OpenFlags.O_ASYNC;
    private static final int LOCK_NB = 4;
    private static final int LOCK_UN = 8;

    @Override
    public void register(SyscallTable table) {
        table.register(
                Nr.FCNTL,
                "fcntl",
                (t, fd, cmd, arg, d, e, f) -> FileCall.onFile(t, fd, file -> fcntl(t, (int) fd, file, (int) cmd, arg)));
        table.register(
                Nr.FLOCK,
                "flock",
                (t, fd, how, c, d, e, f) -> FileCall.onHostFd(t, fd, -Errno.EBADF, file -> flock(t, file, (int) how)));
    }

    private static long fcntl(Task t, int fd, OpenFile file, int cmd, long arg) {
        // An O_PATH descriptor is good for these only; anything else is EBADF, which the host says.
        return switch (cmd) {
            case F_DUPFD -> duplicate(t, file, arg, false);
            case F_DUPFD_CLOEXEC -> duplicate(t, file, arg, true);
            case F_GETFD -> FileCall.files(t).isCloseOnExec(fd) ? 1 : 0;
            case F_SETFD -> FileCall.files(t).setCloseOnExec(fd, (arg & 1) != 0);
            case F_GETFL -> file.statusFlags();
            case F_SETFL -> {
                OwnerCalls.beforeAsync(t, fd, file, (arg & OpenFlags.O_ASYNC) != 0);
                yield file.setStatusFlags((int) arg & SETTABLE);
            }
            case F_DUPFD_QUERY -> sameFile(t, file, (int) arg);
            case RecordLockCalls.F_GETLK,
                    RecordLockCalls.F_SETLK,
                    RecordLockCalls.F_SETLKW,
                    RecordLockCalls.F_OFD_GETLK,
                    RecordLockCalls.F_OFD_SETLK,
                    RecordLockCalls.F_OFD_SETLKW -> RecordLockCalls.run(t, fd, file, cmd, arg);
            case OwnerCalls.F_SETOWN,
                    OwnerCalls.F_GETOWN,
                    OwnerCalls.F_SETSIG,
                    OwnerCalls.F_GETSIG,
                    OwnerCalls.F_SETOWN_EX,
                    OwnerCalls.F_GETOWN_EX,
                    OwnerCalls.F_SETLEASE,
                    OwnerCalls.F_NOTIFY -> OwnerCalls.run(t, fd, file, cmd, arg);
            case F_GETLEASE, F_CREATED_QUERY, F_GETPIPE_SZ, F_SETPIPE_SZ, F_GET_SEALS ->
                file.hostFd() < 0 ? -Errno.EINVAL : Libc.call(Nr.FCNTL, file.hostFd(), cmd, arg);
            case F_ADD_SEALS -> file.hostFd() < 0 ? -Errno.EINVAL : file.addSeals((int) arg);
            default ->
                cmd >= F_GET_RW_HINT && cmd <= F_SET_FILE_RW_HINT
                        ? structure(t, file, cmd, arg, 8, (cmd - F_GET_RW_HINT & 1) != 0)
                        : -Errno.EINVAL;
        };
    }

    private static long duplicate(Task t, OpenFile file, long from, boolean cloexec) {
        long limit = FileCall.fdLimit(t);
        if ((int) from < 0 || Long.compareUnsigned((int) from, limit) >= 0) {
            return -Errno.EINVAL;
        }
        file.get();
        int fd = FileCall.files(t).install(file, (int) from, cloexec, limit);
        if (fd < 0) {
            file.put();
        }
        return fd;
    }

    private static long sameFile(Task t, OpenFile file, int other) {
        return FileCall.onFile(t, other, second -> second == file ? 1 : 0);
    }

    private static long structure(Task t, OpenFile file, int cmd, long arg, int size, boolean in) {
        if (file.hostFd() < 0) {
            return -Errno.EINVAL;
        }
        MemorySegment block = HostScratch.get().struct();
        if (in) {
            t.user().read(arg, block, 0, size);
        }
        long r = Libc.call(Nr.FCNTL, file.hostFd(), cmd, block.address());
        if (r >= 0 && !in) {
            t.user().write(arg, block, 0, size);
        }
        return r;
    }

    private static long flock(Task t, OpenFile file, int how) {
        int fd = file.hostFd();
        if ((how & LOCK_NB) != 0 || (how & LOCK_UN) != 0) {
            return Libc.call(Nr.FLOCK, fd, how);
        }
        return retry(t, () -> Libc.call(Nr.FLOCK, fd, how | LOCK_NB));
    }

    /**
     * Tries until it is no longer refused for a lock that somebody holds, or a signal comes. The host offers no way to
     * wait for a lock together with something else; the pause grows to 10 ms.
     */
    private static long retry(Task t, LongSupplier attempt) {
        long pause = TimeUnit.MICROSECONDS.toNanos(50);
        while (true) {
            long r = attempt.getAsLong();
            if (r != -Errno.EAGAIN && r != -Errno.EACCES) {
                return r;
            }
            if (t.signalPending()) {
                return -Restart.ERESTARTSYS;
            }
            t.park(pause);
            pause = Math.min(pause * 2, TimeUnit.MILLISECONDS.toNanos(10));
        }
    }
}
