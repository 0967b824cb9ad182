package faultline.emulator.fs;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.HostStat;
import faultline.emulator.host.Libc;
import faultline.emulator.host.OpenFlags;
import faultline.mmu.Errno;

/**
 * Opens files by path.
 *
 * <p>The host may lead a path to its own /proc by ways that its text does not show (a symbolic link to
 * /proc/self/mem would be the emulator's own memory). So magic links are never followed by the host, and a file that
 * turns out to be on the host's /proc is looked up again in the virtual tree.
 */
final class PathOpener {
    private static final int PATH_FLAGS =
            OpenFlags.O_PATH | OpenFlags.O_DIRECTORY | OpenFlags.O_NOFOLLOW | OpenFlags.O_CLOEXEC;

    private PathOpener() {}

    static Opened open(FsContext fs, Caller caller, OpenFile base, String path, int flags, int mode) {
        boolean follow = (flags & OpenFlags.O_NOFOLLOW) == 0
                && (flags & (OpenFlags.O_CREAT | OpenFlags.O_EXCL)) != (OpenFlags.O_CREAT | OpenFlags.O_EXCL);
        VirtualNode node = PathResolver.virtualNode(fs, caller, base, path, follow);
        if (node != null) {
            return openNode(fs, node, flags, mode);
        }
        if (base.hostFd() < 0 && !GuestPath.isAbsolute(path)) {
            return Opened.failed(base instanceof VirtualDirectory ? -Errno.ENOENT : -Errno.ENOTDIR);
        }
        return fs.root().confined()
                ? openConfined(fs, caller, base, path, flags, mode, follow)
                : openOnHost(fs, caller, base, path, flags, mode);
    }

    private static Opened openOnHost(FsContext fs, Caller caller, OpenFile base, String path, int flags, int mode) {
        int dirFd = GuestPath.isAbsolute(path) ? Libc.AT_FDCWD : base.hostFd();
        long fd = host(fs, dirFd, path, flags, mode, OpenFlags.RESOLVE_NO_MAGICLINKS);
        if (fd == -Errno.ELOOP && (flags & OpenFlags.O_NOFOLLOW) == 0) {
            return openThroughMagicLink(fs, caller, base, path, flags, mode);
        }
        if (fd < 0) {
            return Opened.failed(fd);
        }
        HostFile file = HostFile.own(fs.root(), (int) fd);
        if (file.dev() == fs.root().procDev() && fs.tree() != VirtualTree.NONE) {
            String where = ownProcAsSelf(GuestRoot.hostPathOfFd(file.hostFd()));
            VirtualNode node = fs.tree().lookup(caller, where, true);
            if (node != null) {
                file.put();
                return openNode(fs, node, flags, mode);
            }
        }
        return Opened.of(file);
    }

    private static Opened openConfined(
            FsContext fs, Caller caller, OpenFile base, String path, int flags, int mode, boolean follow) {
        String absolute = PathResolver.absolute(fs.root(), base, path);
        if (absolute == null) {
            return Opened.failed(-Errno.ENOENT);
        }
        int resolve = OpenFlags.RESOLVE_IN_ROOT | OpenFlags.RESOLVE_NO_MAGICLINKS;
        long fd = host(fs, fs.root().fd(), absolute, flags, mode, resolve);
        if (fd < 0) {
            VirtualNode node = PathResolver.followToVirtual(fs, caller, absolute, follow);
            if (node != null && node != VirtualTree.ABSENT) {
                return openNode(fs, node, flags, mode);
            }
            return Opened.failed(fd);
        }
        return Opened.of(HostFile.own(fs.root(), (int) fd));
    }

    /** A symbolic link led to /proc/self/fd/N or the like: finds which, by links alone. */
    private static Opened openThroughMagicLink(
            FsContext fs, Caller caller, OpenFile base, String path, int flags, int mode) {
        String absolute = PathResolver.absolute(fs.root(), base, path);
        VirtualNode node = absolute == null ? null : PathResolver.followToVirtual(fs, caller, absolute, true);
        if (node == null || node == VirtualTree.ABSENT) {
            return Opened.failed(-Errno.ELOOP);
        }
        return openNode(fs, node, flags, mode);
    }

    private static Opened openNode(FsContext fs, VirtualNode node, int flags, int mode) {
        if (node == VirtualTree.ABSENT) {
            return Opened.failed((flags & OpenFlags.O_CREAT) != 0 ? -Errno.EACCES : -Errno.ENOENT);
        }
        if (!node.isHost()) {
            if (node.target() != null && (flags & OpenFlags.O_PATH) == 0) {
                return Opened.failed(-Errno.ELOOP);
            }
            return node.open(flags);
        }
        long fd = host(fs, Libc.AT_FDCWD, node.counterpart(), flags, mode, 0);
        if (fd < 0) {
            return Opened.failed(fd);
        }
        HostFile file = HostFile.own(fs.root(), (int) fd);
        if (file.type() == HostStat.S_IFDIR) {
            file.setOverlayPath(node.path());
        }
        return Opened.of(file);
    }

    /** openat2(2) with the flags made as open(2) takes them, and the guest's umask. */
    static long host(FsContext fs, int dirFd, String path, int flags, int mode, int resolve) {
        int valid = flags & OpenFlags.VALID;
        if ((valid & OpenFlags.O_PATH) != 0) {
            valid &= PATH_FLAGS;
        }
        boolean creates = (valid & OpenFlags.O_CREAT) != 0
                || (valid & OpenFlags.O_TMPFILE) == OpenFlags.O_TMPFILE;
        if (creates) {
            HostScratch.get().useUmask(fs.umask());
        }
        // The emulator must not get a controlling terminal or leak a descriptor to a host child by what a guest opens.
        int safe = valid | OpenFlags.O_CLOEXEC | ((valid & OpenFlags.O_PATH) == 0 ? OpenFlags.O_NOCTTY : 0);
        return PathResolver.openat2(dirFd, path, safe, creates ? mode & 07777 : 0, resolve);
    }

    /** /proc/HOSTPID/x is the emulator's own: the guest means /proc/self/x. */
    private static String ownProcAsSelf(String path) {
        String own = "/proc/" + ProcessHandle.current().pid();
        return GuestPath.isUnder(path, own) ? "/proc/self" + path.substring(own.length()) : path;
    }
}
