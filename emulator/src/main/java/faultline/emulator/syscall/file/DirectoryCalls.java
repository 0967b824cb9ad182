package faultline.emulator.syscall.file;

import faultline.emulator.fs.HostFile;
import faultline.emulator.fs.LastComponent;
import faultline.emulator.fs.OpenFile;
import faultline.emulator.fs.Opened;
import faultline.emulator.fs.PathRef;
import faultline.emulator.fs.VirtualDirectory;
import faultline.emulator.host.HostScratch;
import faultline.emulator.host.HostStat;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/** Directories and names: getdents, getcwd, chdir, mkdir, unlink, rename, link, symlink, mknod, umask. */
final class DirectoryCalls implements SyscallFamily {
    private static final int X_OK = 1;

    @Override
    public void register(SyscallTable table) {
        table.register(Nr.GETDENTS, "getdents", (t, fd, buf, n, d, e, f) -> getdents(t, Nr.GETDENTS, fd, buf, n));
        table.register(Nr.GETDENTS64, "getdents64", (t, fd, buf, n, d, e, f) -> getdents(t, Nr.GETDENTS64, fd, buf, n));
        table.register(Nr.GETCWD, "getcwd", DirectoryCalls::getcwd);
        table.register(Nr.CHDIR, "chdir", DirectoryCalls::chdir);
        table.register(Nr.FCHDIR, "fchdir", DirectoryCalls::fchdir);
        table.register(
                Nr.UMASK, "umask", (t, mask, b, c, d, e, f) -> FileCall.fs(t).setUmask((int) mask));
        table.register(Nr.MKDIR, "mkdir", (t, path, mode, c, d, e, f) -> mkdir(t, Libc.AT_FDCWD, path, mode));
        table.register(Nr.MKDIRAT, "mkdirat", (t, dir, path, mode, d, e, f) -> mkdir(t, dir, path, mode));
        table.register(Nr.MKNOD, "mknod", (t, path, mode, dev, d, e, f) -> mknod(t, Libc.AT_FDCWD, path, mode, dev));
        table.register(Nr.MKNODAT, "mknodat", (t, dir, path, mode, dev, e, f) -> mknod(t, dir, path, mode, dev));
        table.register(
                Nr.RMDIR, "rmdir", (t, path, b, c, d, e, f) -> unlink(t, Libc.AT_FDCWD, path, OpenFlags.AT_REMOVEDIR));
        table.register(Nr.UNLINK, "unlink", (t, path, b, c, d, e, f) -> unlink(t, Libc.AT_FDCWD, path, 0));
        table.register(Nr.UNLINKAT, "unlinkat", (t, dir, path, flags, d, e, f) -> unlink(t, dir, path, flags));
        table.register(
                Nr.RENAME, "rename", (t, from, to, c, d, e, f) -> rename(t, Libc.AT_FDCWD, from, Libc.AT_FDCWD, to, 0));
        table.register(Nr.RENAMEAT, "renameat", (t, d1, from, d2, to, e, f) -> rename(t, d1, from, d2, to, 0));
        table.register(
                Nr.RENAMEAT2, "renameat2", (t, d1, from, d2, to, flags, f) -> rename(t, d1, from, d2, to, flags));
        table.register(
                Nr.LINK, "link", (t, from, to, c, d, e, f) -> link(t, Libc.AT_FDCWD, from, Libc.AT_FDCWD, to, 0));
        table.register(Nr.LINKAT, "linkat", (t, d1, from, d2, to, flags, f) -> link(t, d1, from, d2, to, flags));
        table.register(Nr.SYMLINK, "symlink", (t, target, path, c, d, e, f) -> symlink(t, target, Libc.AT_FDCWD, path));
        table.register(Nr.SYMLINKAT, "symlinkat", (t, target, dir, path, d, e, f) -> symlink(t, target, dir, path));
    }

    private static long getdents(Task t, int nr, long fd, long buf, long count) {
        return FileCall.onFile(t, fd, file -> {
            long size = Math.min(count & 0xffff_ffffL, HostScratch.MAX_BOUNCE);
            MemorySegment bounce = HostScratch.get().bounce(size);
            long n = file.getdents(nr, bounce, size);
            if (n > 0) {
                t.user().write(buf, bounce, 0, n);
            }
            return n;
        });
    }

    private static long getcwd(Task t, long buf, long size, long c, long d, long e, long f) {
        String cwd = FileCall.fs(t).cwdPath();
        if (cwd == null) {
            return -Errno.ENOENT;
        }
        byte[] bytes = (cwd + "\0").getBytes(StandardCharsets.ISO_8859_1);
        if (Long.compareUnsigned(bytes.length, size) > 0) {
            return -Errno.ERANGE;
        }
        t.user().write(buf, bytes, 0, bytes.length);
        return bytes.length;
    }

    private static long chdir(Task t, long pathAddress, long b, long c, long d, long e, long f) {
        String path = FileCall.path(t, pathAddress);
        if (path == null) {
            return -Errno.ENAMETOOLONG;
        }
        Opened opened = FileCall.fs(t).open(t, null, path, OpenFlags.O_PATH | OpenFlags.O_DIRECTORY, 0);
        return opened.file() == null ? opened.error() : enter(t, opened.file());
    }

    private static long fchdir(Task t, long fd, long b, long c, long d, long e, long f) {
        OpenFile file = FileCall.files(t).get((int) fd);
        if (file == null) {
            return -Errno.EBADF;
        }
        boolean directory = file instanceof VirtualDirectory || file instanceof HostFile h && h.isDirectory();
        if (!directory) {
            file.put();
            return -Errno.ENOTDIR;
        }
        return enter(t, file);
    }

    /** Makes a directory the working directory if it may be searched. Takes over the reference. */
    private static long enter(Task t, OpenFile directory) {
        if (directory.hostFd() >= 0) {
            long allowed = Libc.call(
                    Nr.FACCESSAT2, directory.hostFd(), HostScratch.get().path("."), X_OK, 0x200);
            if (allowed < 0 && allowed != -Errno.ENOENT) {
                directory.put();
                return allowed;
            }
        }
        FileCall.fs(t).setCwd(directory);
        return 0;
    }

    private static long mkdir(Task t, long dir, long path, long mode) {
        return FileCall.onPath(t, dir, path, LastComponent.NAME, p -> {
            if (p.isOnCgroup2()) {
                return FileCall.fs(t)
                        .root()
                        .cgroups()
                        .mkdir(p, (int) mode & ~FileCall.fs(t).umask());
            }
            long error = ChangeCall.refusedToMake(t, p);
            if (error < 0) {
                return error;
            }
            HostScratch.get().useUmask(FileCall.fs(t).umask());
            return Libc.call(Nr.MKDIRAT, p.dirFd(), p.pointer(), mode);
        });
    }

    private static long mknod(Task t, long dir, long path, long mode, long dev) {
        int type = (int) mode & HostStat.S_IFMT;
        boolean device = type == HostStat.S_IFCHR || type == HostStat.S_IFBLK;
        if (device && FileCall.fs(t).root().confined()) {
            return -Errno.EPERM;
        }
        return ChangeCall.making(t, dir, path, p -> {
            HostScratch.get().useUmask(FileCall.fs(t).umask());
            return Libc.call(Nr.MKNODAT, p.dirFd(), p.pointer(), mode, dev);
        });
    }

    private static long unlink(Task t, long dir, long path, long flags) {
        if ((flags & ~OpenFlags.AT_REMOVEDIR) != 0) {
            return -Errno.EINVAL;
        }
        boolean directory = flags != 0;
        long r = FileCall.onPath(t, dir, path, LastComponent.NAME, p -> {
            if (directory && p.isOnCgroup2() && !p.isMountPoint()) {
                return FileCall.fs(t).root().cgroups().rmdir(p);
            }
            long error = ChangeCall.refusedToRemove(t, p);
            return error < 0 ? error : Libc.call(Nr.UNLINKAT, p.dirFd(), p.pointer(), flags);
        });
        return unnamed(t, r);
    }

    /** A name went: a file of huge pages may have none any more. */
    private static long unnamed(Task t, long result) {
        if (result == 0) {
            FileCall.fs(t).root().hugetlb().unlinked();
        }
        return result;
    }

    private static long rename(Task t, long fromDir, long from, long toDir, long to, long flags) {
        long r = FileCall.onPath(
                t,
                fromDir,
                from,
                LastComponent.NAME,
                p -> FileCall.onPath(t, toDir, to, LastComponent.NAME, q -> renameResolved(t, p, q, flags)));
        return unnamed(t, r);
    }

    @KernelFunction(value = "do_renameat2", file = "fs/namei.c")
    private static long renameResolved(Task t, PathRef from, PathRef to, long flags) {
        if (!from.isOnMountOf(to)) {
            return -Errno.EXDEV;
        }
        long error = ChangeCall.refusedToRemove(t, from);
        if (error == 0) {
            error = ChangeCall.refusedToRemove(t, to);
        }
        return error < 0
                ? error
                : Libc.call(Nr.RENAMEAT2, from.dirFd(), from.pointer(), to.dirFd(), to.secondPointer(), flags);
    }

    private static long link(Task t, long fromDir, long from, long toDir, long to, long flags) {
        if ((flags & ~(OpenFlags.AT_SYMLINK_FOLLOW | OpenFlags.AT_EMPTY_PATH)) != 0) {
            return -Errno.EINVAL;
        }
        LastComponent last =
                (flags & OpenFlags.AT_SYMLINK_FOLLOW) != 0 ? LastComponent.FOLLOW : LastComponent.NO_FOLLOW;
        return FileCall.onPath(
                t,
                fromDir,
                from,
                last,
                (int) flags,
                p -> ChangeCall.making(t, toDir, to, q -> linkResolved(p, q, flags)));
    }

    private static long linkResolved(PathRef from, PathRef to, long flags) {
        if (from.node() != null && !from.node().mayChange()) {
            return -Errno.EXDEV;
        }
        // A path that was resolved to an object is a magic link to it, which the host must follow.
        long hostFlags = from.isObject() || from.node() != null ? OpenFlags.AT_SYMLINK_FOLLOW : flags;
        return Libc.call(Nr.LINKAT, from.dirFd(), from.pointer(), to.dirFd(), to.secondPointer(), hostFlags);
    }

    private static long symlink(Task t, long target, long dir, long path) {
        String text = FileCall.path(t, target);
        if (text == null) {
            return -Errno.ENAMETOOLONG;
        }
        return ChangeCall.making(
                t, dir, path, p -> Libc.call(Nr.SYMLINKAT, HostScratch.get().secondPath(text), p.dirFd(), p.pointer()));
    }
}
