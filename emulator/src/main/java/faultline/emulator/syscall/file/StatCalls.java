package faultline.emulator.syscall.file;

import faultline.emulator.fs.LastComponent;
import faultline.emulator.fs.PathRef;
import faultline.emulator.host.HostScratch;
import faultline.emulator.host.HostStat;
import faultline.emulator.host.HostStatfs;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/** What a file is: stat, statx, access, statfs, readlink. */
final class StatCalls implements SyscallFamily {
    private static final int STATX_SIZE = 256;
    private static final int STAT_FLAGS =
            OpenFlags.AT_SYMLINK_NOFOLLOW | OpenFlags.AT_NO_AUTOMOUNT | OpenFlags.AT_EMPTY_PATH;
    private static final int STATX_SYNC = 0x6000;
    private static final int AT_EACCESS = 0x200;
    private static final int W_OK = 2;

    @Override
    public void register(SyscallTable table) {
        table.register(Nr.STAT, "stat", (t, path, buf, c, d, e, f) -> stat(t, Libc.AT_FDCWD, path, buf, 0));
        table.register(
                Nr.LSTAT,
                "lstat",
                (t, path, buf, c, d, e, f) -> stat(t, Libc.AT_FDCWD, path, buf, OpenFlags.AT_SYMLINK_NOFOLLOW));
        table.register(Nr.FSTAT, "fstat", (t, fd, buf, c, d, e, f) -> fstat(t, fd, buf));
        table.register(
                Nr.NEWFSTATAT, "newfstatat", (t, dir, path, buf, flags, e, f) -> stat(t, dir, path, buf, (int) flags));
        table.register(Nr.STATX, "statx", StatCalls::statx);
        table.register(
                Nr.ACCESS, "access", (t, path, mode, c, d, e, f) -> access(t, Libc.AT_FDCWD, path, (int) mode, 0));
        table.register(Nr.FACCESSAT, "faccessat", (t, dir, path, mode, d, e, f) -> access(t, dir, path, (int) mode, 0));
        table.register(
                Nr.FACCESSAT2,
                "faccessat2",
                (t, dir, path, mode, flags, e, f) -> access(t, dir, path, (int) mode, (int) flags));
        table.register(
                Nr.READLINK,
                "readlink",
                (t, path, buf, size, d, e, f) -> readlink(t, Libc.AT_FDCWD, path, buf, (int) size));
        table.register(
                Nr.READLINKAT,
                "readlinkat",
                (t, dir, path, buf, size, e, f) -> readlink(t, dir, path, buf, (int) size));
        table.register(Nr.STATFS, "statfs", StatCalls::statfs);
        table.register(Nr.FSTATFS, "fstatfs", StatCalls::fstatfs);
    }

    static LastComponent last(int flags) {
        return (flags & OpenFlags.AT_SYMLINK_NOFOLLOW) != 0 ? LastComponent.NO_FOLLOW : LastComponent.FOLLOW;
    }

    private static long fstat(Task t, long fd, long buf) {
        return FileCall.onFile(t, fd, file -> {
            MemorySegment stat = HostScratch.get().struct();
            return give(t, file.fstat(stat), buf, stat, HostStat.SIZE);
        });
    }

    private static long stat(Task t, long dir, long path, long buf, int flags) {
        if ((flags & ~STAT_FLAGS) != 0) {
            return -Errno.EINVAL;
        }
        boolean ofDescriptor = flags == OpenFlags.AT_EMPTY_PATH && (int) dir >= 0;
        if (ofDescriptor && (path == 0 || t.user().getByte(path) == 0)) {
            return fstat(t, dir, buf);
        }
        return FileCall.onPath(t, dir, path, last(flags), flags, p -> {
            MemorySegment stat = HostScratch.get().struct();
            long r = Libc.call(Nr.NEWFSTATAT, p.dirFd(), p.pointer(), stat.address(), p.flags(flags));
            FileCall.fs(t).root().hugetlb().adjustStat(stat);
            return give(t, r, buf, stat, HostStat.SIZE);
        });
    }

    private static long statx(Task t, long dir, long path, long flags, long mask, long buf, long f) {
        if ((flags & ~(STAT_FLAGS | STATX_SYNC)) != 0
                || (flags & STATX_SYNC) == STATX_SYNC
                || (mask & 0x8000_0000L) != 0) {
            return -Errno.EINVAL;
        }
        return FileCall.onPath(t, dir, path, last((int) flags), (int) flags, p -> {
            MemorySegment statx = HostScratch.get().struct();
            int how = p.flags((int) flags);
            long r = Libc.call(Nr.STATX, p.dirFd(), p.pointer(), how, mask & 0xffff_ffffL, statx.address());
            FileCall.fs(t).root().hugetlb().adjustStatx(statx);
            return give(t, r, buf, statx, STATX_SIZE);
        });
    }

    private static long access(Task t, long dir, long path, int mode, int flags) {
        int known = AT_EACCESS | OpenFlags.AT_SYMLINK_NOFOLLOW | OpenFlags.AT_EMPTY_PATH;
        if ((mode & ~7) != 0 || (flags & ~known) != 0) {
            return -Errno.EINVAL;
        }
        return FileCall.onPath(
                t,
                dir,
                path,
                last(flags),
                flags,
                p -> (mode & W_OK) != 0 && ChangeCall.isStoredReadOnly(p)
                        ? -Errno.EROFS
                        : Libc.call(Nr.FACCESSAT2, p.dirFd(), p.pointer(), mode, p.flags(flags)));
    }

    private static long readlink(Task t, long dir, long path, long buf, int size) {
        if (size <= 0) {
            return -Errno.EINVAL;
        }
        // Unlike elsewhere an empty path needs no flag: it means the descriptor, which must be an O_PATH symbolic link.
        int empty = (int) dir == Libc.AT_FDCWD ? 0 : OpenFlags.AT_EMPTY_PATH;
        return FileCall.onPath(t, dir, path, LastComponent.NO_FOLLOW, empty, p -> {
            if (p.node() != null && !p.node().isHost()) {
                return virtualLink(t, p, buf, size);
            }
            if (p.isObject()) {
                // A path that ends in a slash or dots: a directory, reached through a link that is not the guest's.
                return -Errno.EINVAL;
            }
            MemorySegment to = HostScratch.get().struct();
            long n = Libc.call(Nr.READLINKAT, p.dirFd(), p.pointer(), to.address(), Math.min(size, to.byteSize()));
            return n < 0 ? n : give(t, n, buf, to, n);
        });
    }

    private static long virtualLink(Task t, PathRef p, long buf, int size) {
        String target = p.node().target();
        if (target == null) {
            return -Errno.EINVAL;
        }
        int n = Math.min(target.length(), size);
        t.user().write(buf, target.getBytes(StandardCharsets.ISO_8859_1), 0, n);
        return n;
    }

    private static long statfs(Task t, long path, long buf, long c, long d, long e, long f) {
        return FileCall.onPath(t, Libc.AT_FDCWD, path, LastComponent.FOLLOW, p -> {
            MemorySegment to = HostScratch.get().struct();
            long r = Libc.call(Nr.STATFS, HostScratch.get().path(p.absolute()), to.address());
            FileCall.fs(t).root().adjustStatfs(p.absolute(), to);
            markReadOnly(to, p.readOnly());
            return give(t, r, buf, to, HostStatfs.SIZE);
        });
    }

    private static long fstatfs(Task t, long fd, long buf, long c, long d, long e, long f) {
        return FileCall.onFile(t, fd, file -> {
            MemorySegment to = HostScratch.get().struct();
            long r = file.hostFd() >= 0
                    ? Libc.call(Nr.FSTATFS, file.hostFd(), to.address())
                    : Libc.call(Nr.STATFS, HostScratch.get().path("/proc"), to.address());
            FileCall.fs(t).root().adjustStatfs("/proc/self/fd/" + file.hostFd(), to);
            markReadOnly(to, file.onReadOnlyMount());
            return give(t, r, buf, to, HostStatfs.SIZE);
        });
    }

    private static void markReadOnly(MemorySegment statfs, boolean readOnly) {
        if (readOnly) {
            HostStatfs.setFlags(statfs, HostStatfs.flags(statfs) | HostStatfs.ST_RDONLY);
        }
    }

    /** Hands a structure to the guest when the host call went well. */
    private static long give(Task t, long result, long buf, MemorySegment from, long size) {
        if (result >= 0) {
            t.user().write(buf, from, 0, size);
        }
        return result;
    }
}
