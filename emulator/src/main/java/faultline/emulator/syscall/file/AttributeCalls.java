package faultline.emulator.syscall.file;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Changing what a file is: mode, owner, times. */
final class AttributeCalls implements SyscallFamily {
    private static final int AT_FLAGS = OpenFlags.AT_SYMLINK_NOFOLLOW | OpenFlags.AT_EMPTY_PATH;
    private static final long MICROS = 1_000_000;

    @Override
    public void register(SyscallTable table) {
        table.register(Nr.CHMOD, "chmod", (t, path, mode, c, d, e, f) -> chmod(t, Libc.AT_FDCWD, path, mode, 0));
        table.register(Nr.FCHMODAT, "fchmodat", (t, dir, path, mode, d, e, f) -> chmod(t, dir, path, mode, 0));
        table.register(
                Nr.FCHMODAT2, "fchmodat2", (t, dir, path, mode, flags, e, f) -> chmod(t, dir, path, mode, (int) flags));
        table.register(
                Nr.FCHMOD,
                "fchmod",
                (t, fd, mode, c, d, e, f) -> ChangeCall.changingOpen(
                        t, fd, -Errno.EPERM, file -> Libc.call(Nr.FCHMOD, file.hostFd(), mode)));
        table.register(Nr.CHOWN, "chown", (t, path, uid, gid, d, e, f) -> chown(t, Libc.AT_FDCWD, path, uid, gid, 0));
        table.register(
                Nr.LCHOWN,
                "lchown",
                (t, path, uid, gid, d, e, f) -> chown(t, Libc.AT_FDCWD, path, uid, gid, OpenFlags.AT_SYMLINK_NOFOLLOW));
        table.register(
                Nr.FCHOWNAT,
                "fchownat",
                (t, dir, path, uid, gid, flags, f) -> chown(t, dir, path, uid, gid, (int) flags));
        table.register(
                Nr.FCHOWN,
                "fchown",
                (t, fd, uid, gid, d, e, f) -> ChangeCall.changingOpen(
                        t, fd, -Errno.EPERM, file -> Libc.call(Nr.FCHOWN, file.hostFd(), uid, gid)));
        table.register(Nr.UTIME, "utime", AttributeCalls::utime);
        table.register(Nr.UTIMES, "utimes", (t, path, times, c, d, e, f) -> utimes(t, Libc.AT_FDCWD, path, times));
        table.register(Nr.FUTIMESAT, "futimesat", (t, dir, path, times, d, e, f) -> utimes(t, dir, path, times));
        table.register(
                Nr.UTIMENSAT,
                "utimensat",
                (t, dir, path, times, flags, e, f) -> utimensat(t, dir, path, times, (int) flags));
    }

    private static long chmod(Task t, long dir, long path, long mode, int flags) {
        if ((flags & ~AT_FLAGS) != 0) {
            return -Errno.EINVAL;
        }
        return ChangeCall.changing(
                t,
                dir,
                path,
                StatCalls.last(flags),
                flags,
                p -> p.flags(flags) == 0
                        ? Libc.call(Nr.FCHMODAT, p.dirFd(), p.pointer(), mode)
                        : Libc.call(Nr.FCHMODAT2, p.dirFd(), p.pointer(), mode, p.flags(flags)));
    }

    private static long chown(Task t, long dir, long path, long uid, long gid, int flags) {
        if ((flags & ~AT_FLAGS) != 0) {
            return -Errno.EINVAL;
        }
        return ChangeCall.changing(
                t,
                dir,
                path,
                StatCalls.last(flags),
                flags,
                p -> Libc.call(Nr.FCHOWNAT, p.dirFd(), p.pointer(), uid, gid, p.flags(flags)));
    }

    private static long utime(Task t, long path, long times, long c, long d, long e, long f) {
        MemorySegment spec = timesBlock();
        if (times != 0) {
            spec.set(ValueLayout.JAVA_LONG, 0, t.user().getLong(times));
            spec.set(ValueLayout.JAVA_LONG, 8, 0);
            spec.set(ValueLayout.JAVA_LONG, 16, t.user().getLong(times + 8));
            spec.set(ValueLayout.JAVA_LONG, 24, 0);
        }
        return setTimes(t, Libc.AT_FDCWD, path, times == 0 ? 0 : spec.address(), 0);
    }

    private static long utimes(Task t, long dir, long path, long times) {
        MemorySegment spec = timesBlock();
        if (times != 0) {
            for (int i = 0; i < 2; i++) {
                long micros = t.user().getLong(times + i * 16L + 8);
                if (micros < 0 || micros >= MICROS) {
                    return -Errno.EINVAL;
                }
                spec.set(ValueLayout.JAVA_LONG, i * 16L, t.user().getLong(times + i * 16L));
                spec.set(ValueLayout.JAVA_LONG, i * 16L + 8, micros * 1000);
            }
        }
        if (path == 0 && (int) dir != Libc.AT_FDCWD) {
            return ofDescriptor(t, dir, times == 0 ? 0 : spec.address());
        }
        return setTimes(t, dir, path, times == 0 ? 0 : spec.address(), 0);
    }

    private static long utimensat(Task t, long dir, long path, long times, int flags) {
        if ((flags & ~AT_FLAGS) != 0) {
            return -Errno.EINVAL;
        }
        MemorySegment spec = timesBlock();
        if (times != 0) {
            t.user().read(times, spec, 0, 32);
        }
        long address = times == 0 ? 0 : spec.address();
        if (path == 0 && (int) dir != Libc.AT_FDCWD) {
            return flags != 0 ? -Errno.EINVAL : ofDescriptor(t, dir, address);
        }
        return setTimes(t, dir, path, address, flags);
    }

    private static long ofDescriptor(Task t, long fd, long times) {
        return ChangeCall.changingOpen(
                t, fd, -Errno.EPERM, file -> Libc.call(Nr.UTIMENSAT, file.hostFd(), 0, times, 0));
    }

    private static long setTimes(Task t, long dir, long path, long times, int flags) {
        return ChangeCall.changing(
                t,
                dir,
                path,
                StatCalls.last(flags),
                flags,
                p -> Libc.call(Nr.UTIMENSAT, p.dirFd(), p.pointer(), times, p.flags(flags)));
    }

    /** Room for two timespecs that path resolution does not use meanwhile. */
    private static MemorySegment timesBlock() {
        return HostScratch.get().waitBlock().asSlice(16, 32);
    }
}
