package faultline.emulator.syscall.file;

import faultline.emulator.fs.OpenFile;
import faultline.emulator.host.HostScratch;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.emulator.signal.SigInfo;
import faultline.emulator.signal.SignalSender;
import faultline.emulator.signal.Signals;
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
 * <tr><td>F_GETLK, F_SETLK, F_SETLKW</td><td>{@link faultline.emulator.fs.RecordLocks}: between guest processes
 * only</td></tr>
 * <tr><td>F_OFD_*</td><td>the host's locks; waiting ones are tried again and again, so that a signal ends
 * them</td></tr>
 * <tr><td>F_GETOWN_EX, F_SETOWN_EX, F_*_RW_HINT</td><td>the host's, with their argument copied</td></tr>
 * <tr><td>F_GETPIPE_SZ, F_SETPIPE_SZ, F_ADD_SEALS, F_GET_SEALS, F_CREATED_QUERY, F_GETSIG</td><td>the host's</td></tr>
 * <tr><td>F_GETLEASE, F_SETLEASE</td><td>the host's, whose signal is passed on: {@link
 * faultline.emulator.fs.Leases}</td></tr>
 * <tr><td>F_NOTIFY, F_SETOWN, F_SETSIG</td><td>refused with EINVAL: the host would signal the emulator</td></tr>
 * </table>
 */
final class FcntlCalls implements SyscallFamily {
    private static final int F_DUPFD = 0;
    private static final int F_GETFD = 1;
    private static final int F_SETFD = 2;
    private static final int F_GETFL = 3;
    private static final int F_SETFL = 4;
    private static final int F_GETLK = 5;
    private static final int F_SETLK = 6;
    private static final int F_SETLKW = 7;
    private static final int F_GETOWN = 9;
    private static final int F_GETSIG = 11;
    private static final int F_GETOWN_EX = 16;
    private static final int F_OFD_GETLK = 36;
    private static final int F_OFD_SETLK = 37;
    private static final int F_OFD_SETLKW = 38;
    private static final int F_SETLEASE = 1024;
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
    private static final int FLOCK_SIZE = 32;
    private static final int SETTABLE =
            OpenFlags.O_APPEND | OpenFlags.O_NONBLOCK | OpenFlags.O_DIRECT | OpenFlags.O_NOATIME;
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
            case F_SETFL -> file.setStatusFlags((int) arg & SETTABLE);
            case F_DUPFD_QUERY -> sameFile(t, file, (int) arg);
            case F_GETLK -> RecordLockCalls.get(t, file, arg);
            case F_SETLK -> RecordLockCalls.set(t, file, arg, false);
            case F_SETLKW -> RecordLockCalls.set(t, file, arg, true);
            case F_OFD_GETLK, F_OFD_SETLK -> lock(t, file, cmd, arg);
            case F_OFD_SETLKW -> waitForLock(t, file, F_OFD_SETLK, arg);
            case F_SETLEASE -> setLease(t, file, (int) arg);
            case F_GETOWN, F_GETSIG, F_GETLEASE, F_CREATED_QUERY, F_GETPIPE_SZ, F_SETPIPE_SZ, F_GET_SEALS ->
                file.hostFd() < 0 ? -Errno.EINVAL : Libc.call(Nr.FCNTL, file.hostFd(), cmd, arg);
            case F_ADD_SEALS -> file.hostFd() < 0 ? -Errno.EINVAL : file.addSeals((int) arg);
            case F_GETOWN_EX -> structure(t, file, cmd, arg, 8, false);
            default ->
                cmd >= F_GET_RW_HINT && cmd <= F_SET_FILE_RW_HINT
                        ? structure(t, file, cmd, arg, 8, (cmd - F_GET_RW_HINT & 1) != 0)
                        : -Errno.EINVAL;
        };
    }

    private static long setLease(Task t, OpenFile file, int type) {
        if (file.hostFd() < 0) {
            return -Errno.EINVAL;
        }
        return t.kernel()
                .leases()
                .set(file, type, () -> SignalSender.sendToProcess(t.process(), SigInfo.kernel(Signals.SIGIO)));
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

    private static long lock(Task t, OpenFile file, int cmd, long arg) {
        if (file.hostFd() < 0) {
            return -Errno.EINVAL;
        }
        MemorySegment flock = HostScratch.get().struct();
        t.user().read(arg, flock, 0, FLOCK_SIZE);
        long r = Libc.call(Nr.FCNTL, file.hostFd(), cmd, flock.address());
        if (r >= 0 && cmd == F_OFD_GETLK) {
            t.user().write(arg, flock, 0, FLOCK_SIZE);
        }
        return r;
    }

    private static long waitForLock(Task t, OpenFile file, int tryCommand, long arg) {
        return retry(t, () -> lock(t, file, tryCommand, arg));
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
