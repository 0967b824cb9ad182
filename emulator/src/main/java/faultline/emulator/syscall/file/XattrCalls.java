package faultline.emulator.syscall.file;

import faultline.emulator.fs.LastComponent;
import faultline.emulator.host.HostScratch;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import java.lang.foreign.MemorySegment;

/** Extended attributes, by path, by path without following, and by descriptor. */
final class XattrCalls implements SyscallFamily {
    private static final int NAME_MAX = 256;
    private static final long VALUE_MAX = 65536;

    @Override
    public void register(SyscallTable table) {
        table.register(
                Nr.GETXATTR,
                "getxattr",
                (t, path, name, value, size, e, f) ->
                        onPath(t, Nr.GETXATTR, path, true, (nr, p) -> get(t, nr, p, name, value, size)));
        table.register(
                Nr.LGETXATTR,
                "lgetxattr",
                (t, path, name, value, size, e, f) ->
                        onPath(t, Nr.GETXATTR, path, false, (nr, p) -> get(t, nr, p, name, value, size)));
        table.register(
                Nr.FGETXATTR,
                "fgetxattr",
                (t, fd, name, value, size, e, f) -> onFd(t, fd, h -> get(t, Nr.FGETXATTR, h, name, value, size)));
        table.register(
                Nr.SETXATTR,
                "setxattr",
                (t, path, name, value, size, flags, f) ->
                        changing(t, Nr.SETXATTR, path, true, (nr, p) -> set(t, nr, p, name, value, size, flags)));
        table.register(
                Nr.LSETXATTR,
                "lsetxattr",
                (t, path, name, value, size, flags, f) ->
                        changing(t, Nr.SETXATTR, path, false, (nr, p) -> set(t, nr, p, name, value, size, flags)));
        table.register(
                Nr.FSETXATTR,
                "fsetxattr",
                (t, fd, name, value, size, flags, f) ->
                        changing(t, fd, h -> set(t, Nr.FSETXATTR, h, name, value, size, flags)));
        table.register(
                Nr.LISTXATTR,
                "listxattr",
                (t, path, list, size, d, e, f) ->
                        onPath(t, Nr.LISTXATTR, path, true, (nr, p) -> list(t, nr, p, list, size)));
        table.register(
                Nr.LLISTXATTR,
                "llistxattr",
                (t, path, list, size, d, e, f) ->
                        onPath(t, Nr.LISTXATTR, path, false, (nr, p) -> list(t, nr, p, list, size)));
        table.register(
                Nr.FLISTXATTR,
                "flistxattr",
                (t, fd, list, size, d, e, f) -> onFd(t, fd, h -> list(t, Nr.FLISTXATTR, h, list, size)));
        table.register(
                Nr.REMOVEXATTR,
                "removexattr",
                (t, path, name, c, d, e, f) ->
                        changing(t, Nr.REMOVEXATTR, path, true, (nr, p) -> remove(t, nr, p, name)));
        table.register(
                Nr.LREMOVEXATTR,
                "lremovexattr",
                (t, path, name, c, d, e, f) ->
                        changing(t, Nr.REMOVEXATTR, path, false, (nr, p) -> remove(t, nr, p, name)));
        table.register(
                Nr.FREMOVEXATTR,
                "fremovexattr",
                (t, fd, name, c, d, e, f) -> changing(t, fd, h -> remove(t, Nr.FREMOVEXATTR, h, name)));
    }

    /** A call whose first argument is a host path's address or a host descriptor. */
    @FunctionalInterface
    private interface OnTarget {
        long run(long target);
    }

    /** A call by path: its number, which differs for calls that do not follow links, and the path's address. */
    @FunctionalInterface
    private interface ByPath {
        long run(int nr, long path);
    }

    /**
     * Resolves the path of a call.
     *
     * @param nr the number of the call that follows links; that of its kin which does not is one higher
     */
    private static long onPath(Task t, int nr, long path, boolean follow, ByPath body) {
        LastComponent last = follow ? LastComponent.FOLLOW : LastComponent.NO_FOLLOW;
        return FileCall.onPath(t, Libc.AT_FDCWD, path, last, p -> {
            if (p.node() != null) {
                return -Errno.EOPNOTSUPP;
            }
            boolean hostFollows = follow || p.isObject();
            return body.run(hostFollows ? nr : nr + 1, HostScratch.get().path(p.absolute()));
        });
    }

    /** As {@link #onPath} for calls that change the file. */
    private static long changing(Task t, int nr, long path, boolean follow, ByPath body) {
        LastComponent last = follow ? LastComponent.FOLLOW : LastComponent.NO_FOLLOW;
        return ChangeCall.changing(
                t,
                Libc.AT_FDCWD,
                path,
                last,
                0,
                p -> body.run(
                        follow || p.isObject() ? nr : nr + 1, HostScratch.get().path(p.absolute())));
    }

    private static long changing(Task t, long fd, OnTarget body) {
        return ChangeCall.changingOpen(t, fd, -Errno.EOPNOTSUPP, file -> body.run(file.hostFd()));
    }

    private static long onFd(Task t, long fd, OnTarget body) {
        return FileCall.onHostFd(t, fd, -Errno.EOPNOTSUPP, file -> body.run(file.hostFd()));
    }

    /** Copies the attribute's name into the second path block; 0 when it is too long or empty (ERANGE). */
    private static long name(Task t, long address) {
        String name = t.user().readString(address, NAME_MAX);
        return name == null || name.isEmpty() ? 0 : HostScratch.get().secondPath(name);
    }

    private static long get(Task t, int nr, long target, long nameAddress, long value, long size) {
        long name = name(t, nameAddress);
        if (name == 0) {
            return -Errno.ERANGE;
        }
        MemorySegment block = HostScratch.get().bounce(VALUE_MAX);
        long room = Math.min(size, VALUE_MAX);
        long n = Libc.call(nr, target, name, size == 0 ? 0 : block.address(), room);
        if (n > 0 && size != 0) {
            t.user().write(value, block, 0, n);
        }
        return n;
    }

    private static long set(Task t, int nr, long target, long nameAddress, long value, long size, long flags) {
        if ((flags & ~3) != 0) {
            return -Errno.EINVAL;
        }
        long name = name(t, nameAddress);
        if (name == 0) {
            return -Errno.ERANGE;
        }
        if (Long.compareUnsigned(size, VALUE_MAX) > 0) {
            return -Errno.E2BIG;
        }
        MemorySegment block = HostScratch.get().bounce(VALUE_MAX);
        t.user().read(value, block, 0, size);
        return Libc.call(nr, target, name, block.address(), size, flags);
    }

    private static long list(Task t, int nr, long target, long list, long size) {
        MemorySegment block = HostScratch.get().bounce(VALUE_MAX);
        long n = Libc.call(nr, target, size == 0 ? 0 : block.address(), Math.min(size, VALUE_MAX));
        if (n > 0 && size != 0) {
            t.user().write(list, block, 0, n);
        }
        return n;
    }

    private static long remove(Task t, int nr, long target, long nameAddress) {
        long name = name(t, nameAddress);
        return name == 0 ? -Errno.ERANGE : Libc.call(nr, target, name);
    }
}
