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
            return openNode(fs, caller, base, node, flags, mode);
        }
        if (base.hostFd() < 0 && !GuestPath.isAbsolute(path)) {
            return Opened.failed(base instanceof VirtualDirectory ? -Errno.ENOENT : -Errno.ENOTDIR);
        }
        return fs.root().confined()
                ? openConfined(fs, caller, base, path, flags, mode, follow)
                : openOnHost(fs, caller, base, path, flags, mode);
    }

    /** See {@link FsContext#openRestricted}. The host's magic links are never followed, asked or not. */
    static Opened openRestricted(FsContext fs, OpenFile base, String path, int flags, int mode, int resolve) {
        boolean staysBelow = (resolve & (OpenFlags.RESOLVE_BENEATH | OpenFlags.RESOLVE_IN_ROOT)) != 0;
        int dirFd = base.hostFd();
        int how = resolve | OpenFlags.RESOLVE_NO_MAGICLINKS;
        if (dirFd < 0) {
            return Opened.failed(-Errno.ENOTDIR);
        }
        String name = path;
        if (fs.root().confined() && !staysBelow) {
            name = PathResolver.absolute(fs.root(), base, path);
            dirFd = fs.root().fd();
            how |= OpenFlags.RESOLVE_IN_ROOT;
        }
        if (name == null) {
            return Opened.failed(-Errno.ENOENT);
        }
        long fd = host(fs, dirFd, name, flags, mode, how);
        if (fd < 0) {
            return Opened.failed(fd);
        }
        HostFile file = HostFile.own(fs.root(), (int) fd);
        if (file.dev() == fs.root().procDev()) {
            file.put();
            return Opened.failed(-Errno.EXDEV);
        }
        return Opened.of(file);
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
                return openNode(fs, caller, base, node, flags, mode);
            }
        }
        return opened(file, flags);
    }

    private static Opened opened(HostFile file, int flags) {
        if ((flags & OpenFlags.O_TRUNC) != 0 && (flags & OpenFlags.O_PATH) == 0) {
            file.truncatedByOpen();
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
                return openNode(fs, caller, base, node, flags, mode);
            }
            return Opened.failed(fd);
        }
        return opened(HostFile.own(fs.root(), (int) fd), flags);
    }

    /** A symbolic link led to /proc/self/fd/N or the like: finds which, by links alone. */
    private static Opened openThroughMagicLink(
            FsContext fs, Caller caller, OpenFile base, String path, int flags, int mode) {
        String absolute = PathResolver.absolute(fs.root(), base, path);
        VirtualNode node = absolute == null ? null : PathResolver.followToVirtual(fs, caller, absolute, true);
        if (node == null || node == VirtualTree.ABSENT) {
            return Opened.failed(-Errno.ELOOP);
        }
        return openNode(fs, caller, base, node, flags, mode);
    }

    private static Opened openNode(FsContext fs, Caller caller, OpenFile base, VirtualNode node, int flags, int mode) {
        if (node == VirtualTree.NOT_DIRECTORY) {
            return Opened.failed(-Errno.ENOTDIR);
        }
        if (node == VirtualTree.ABSENT) {
            return Opened.failed((flags & OpenFlags.O_CREAT) != 0 ? -Errno.EACCES : -Errno.ENOENT);
        }
        try {
            if (node.redirect() != null) {
                return open(fs, caller, base, node.redirect(), flags, mode);
            }
            if (!node.isHost()) {
                return openVirtual(node, flags);
            }
            return openCounterpart(fs, node, flags, mode);
        } finally {
            node.release();
        }
    }

    private static Opened openVirtual(VirtualNode node, int flags) {
        int exclusive = OpenFlags.O_CREAT | OpenFlags.O_EXCL;
        if ((flags & exclusive) == exclusive) {
            return Opened.failed(-Errno.EEXIST);
        }
        if (node.target() != null && (flags & OpenFlags.O_PATH) == 0) {
            return Opened.failed(-Errno.ELOOP);
        }
        return node.open(flags);
    }

    private static Opened openCounterpart(FsContext fs, VirtualNode node, int flags, int mode) {
        boolean changes = (flags & OpenFlags.O_ACCMODE) != OpenFlags.O_RDONLY;
        if (changes && fs.root().confined() && !node.mayWrite()) {
            return Opened.failed(-Errno.EACCES);
        }
        long fd = host(fs, Libc.AT_FDCWD, node.counterpart(), flags & ~OpenFlags.O_CREAT, mode, 0);
        if (fd < 0) {
            return Opened.failed(fd);
        }
        HostFile file = HostFile.own(fs.root(), (int) fd);
        if (file.type() == HostStat.S_IFDIR) {
            file.setOverlayPath(node.path());
        }
        return opened(file, flags);
    }

    /** openat2(2) with the flags made as open(2) takes them, and the guest's umask. */
    static long host(FsContext fs, int dirFd, String path, int flags, int mode, int resolve) {
        int valid = flags & OpenFlags.VALID;
        if ((valid & OpenFlags.O_PATH) != 0) {
            valid &= PATH_FLAGS;
        }
        boolean creates = (valid & OpenFlags.O_CREAT) != 0 || (valid & OpenFlags.O_TMPFILE) == OpenFlags.O_TMPFILE;
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
