package faultline.emulator.syscall.file;

import faultline.emulator.fs.KernelFiles;
import faultline.emulator.fs.LastComponent;
import faultline.emulator.fs.OpenFile;
import faultline.emulator.fs.PathRef;
import faultline.emulator.host.HostScratch;
import faultline.emulator.host.HostStat;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.lang.foreign.MemorySegment;

/**
 * What calls share that change a file system: names made and removed, metadata changed.
 *
 * <table>
 * <caption>What may not be changed</caption>
 * <tr><th>place</th><th>errno</th></tr>
 * <tr><td>the virtual tree</td><td>EPERM</td></tr>
 * <tr><td>a read-only mount</td><td>EROFS, where Linux finds nothing wrong before: EEXIST when the name is to be
 * made</td></tr>
 * <tr><td>a directory on which something is mounted</td><td>EBUSY when the name is to go</td></tr>
 * <tr><td>control groups</td><td>EPERM, but for mkdir and rmdir</td></tr>
 * <tr><td>a swap area</td><td>EPERM when a name of it is to go</td></tr>
 * <tr><td>file systems of the host's kernel ({@link KernelFiles}), without --host-admin</td><td>EPERM</td></tr>
 * </table>
 */
final class ChangeCall {
    private ChangeCall() {}

    /** Resolves a name that is to be made and runs {@code body} on it. */
    @KernelFunction(value = "filename_create", file = "fs/namei.c")
    static long making(Task t, long dirFd, long address, FileCall.OnPath body) {
        return FileCall.onPath(t, dirFd, address, LastComponent.NAME, p -> {
            long error = refusedToMake(t, p);
            return error < 0 ? error : body.run(p);
        });
    }

    /** Why a name may not be made: 0 or -errno. */
    static long refusedToMake(Task t, PathRef p) {
        if (p.node() == null && p.readOnly()) {
            return mode(p, OpenFlags.AT_SYMLINK_NOFOLLOW) >= 0 ? -Errno.EEXIST : -Errno.EROFS;
        }
        if (p.isOnCgroup2()) {
            return mode(p, OpenFlags.AT_SYMLINK_NOFOLLOW) >= 0 ? -Errno.EEXIST : -Errno.EPERM;
        }
        return refused(t, p, LastComponent.NAME);
    }

    /** Why a name may not go: 0 or -errno. */
    static long refusedToRemove(Task t, PathRef p) {
        if (p.node() == null && p.readOnly()) {
            return -Errno.EROFS;
        }
        if (p.isMountPoint()) {
            return -Errno.EBUSY;
        }
        if (p.isOnCgroup2()) {
            return mode(p, OpenFlags.AT_SYMLINK_NOFOLLOW) < 0 ? -Errno.ENOENT : -Errno.EPERM;
        }
        long error = refused(t, p, LastComponent.NAME);
        return error < 0 ? error : FileCall.fs(t).root().swapFiles().refusedToRemove(p);
    }

    /** Resolves a path whose file's metadata are to change and runs {@code body} on it; see {@link FileCall#onPath}. */
    static long changing(Task t, long dirFd, long address, LastComponent last, int flags, FileCall.OnPath body) {
        return FileCall.onPath(t, dirFd, address, last, flags, p -> {
            long error = refusedToChange(t, p, last);
            return error < 0 ? error : body.run(p);
        });
    }

    /** Why a file may not be changed: 0 or -errno. */
    static long refusedToChange(Task t, PathRef p, LastComponent last) {
        if (p.readOnly()) {
            long missing = mode(p, p.flags(OpenFlags.AT_SYMLINK_NOFOLLOW | OpenFlags.AT_EMPTY_PATH));
            return missing < 0 ? missing : -Errno.EROFS;
        }
        return refused(t, p, last);
    }

    private static long refused(Task t, PathRef p, LastComponent last) {
        if (p.node() != null) {
            return p.node().mayChange() ? 0 : -Errno.EPERM;
        }
        boolean allowed = FileCall.fs(t).root().isolation().hostAdmin();
        return !allowed && KernelFiles.has(p, last) ? -Errno.EPERM : 0;
    }

    /** Type and permissions of what a path names; -errno when there is nothing. */
    private static long mode(PathRef p, int flags) {
        MemorySegment stat = HostScratch.get().struct();
        long r = Libc.call(Nr.NEWFSTATAT, p.dirFd(), p.pointer(), stat.address(), flags);
        return r < 0 ? r : HostStat.mode(stat);
    }

    /**
     * Runs {@code body} on an open host file whose metadata are to change.
     *
     * @param otherwise the result for files of the emulator's own
     */
    static long changingOpen(Task t, long fd, long otherwise, FileCall.OnFile body) {
        return FileCall.onHostFd(t, fd, otherwise, file -> {
            long error = refusedToChange(t, file);
            return error < 0 ? error : body.run(file);
        });
    }

    /** Why an open file's metadata may not be changed: 0 or -errno. */
    static long refusedToChange(Task t, OpenFile file) {
        if (!file.onReadOnlyMount()) {
            boolean allowed = FileCall.fs(t).root().isolation().hostAdmin();
            return !allowed && KernelFiles.has(file) ? -Errno.EPERM : 0;
        }
        return (file.statusFlags() & OpenFlags.O_PATH) != 0 ? -Errno.EBADF : -Errno.EROFS;
    }

    /** Whether a call that only looks would be told that the file is on a read-only mount: files that hold data are. */
    static boolean isStoredReadOnly(PathRef p) {
        long mode = p.readOnly() ? mode(p, p.flags(0)) : -1;
        int type = (int) mode & HostStat.S_IFMT;
        return mode >= 0 && (type == HostStat.S_IFREG || type == HostStat.S_IFDIR || type == HostStat.S_IFLNK);
    }
}
