package faultline.emulator.fs;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.HostStat;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.lang.foreign.MemorySegment;

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
        return fs.root().differs()
                ? openWalked(fs, caller, base, path, flags, mode, 0)
                : openOnHost(fs, caller, base, path, flags, mode);
    }

    /** See {@link FsContext#openRestricted}. The host's magic links are never followed, asked or not. */
    static Opened openRestricted(
            FsContext fs, Caller caller, OpenFile base, String path, int flags, int mode, int resolve) {
        if (base.hostFd() < 0) {
            return Opened.failed(-Errno.ENOTDIR);
        }
        fs.root().autoMount(GuestPath.normalize(GuestPath.join(base.path(), path)));
        if (fs.root().differs()) {
            return openWalked(fs, caller, base, path, flags, mode, resolve);
        }
        long fd = host(fs, caller, base.hostFd(), path, flags, mode, resolve | OpenFlags.RESOLVE_NO_MAGICLINKS);
        if (fd < 0) {
            return Opened.failed(fd);
        }
        HostFile file = HostFile.own(fs.root(), (int) fd);
        return file.dev() == fs.root().procDev() ? refused(file, -Errno.EXDEV) : opened(fs, file, flags);
    }

    private static Opened openOnHost(FsContext fs, Caller caller, OpenFile base, String path, int flags, int mode) {
        int dirFd = GuestPath.isAbsolute(path) ? Libc.AT_FDCWD : base.hostFd();
        long fd = host(fs, caller, dirFd, path, flags, mode, OpenFlags.RESOLVE_NO_MAGICLINKS);
        if (fd == -Errno.ELOOP && (flags & OpenFlags.O_NOFOLLOW) == 0) {
            // A link led to /proc/self/fd/N or the like: walking finds which.
            return openWalked(fs, caller, base, path, flags, mode, 0);
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
        return opened(fs, file, flags);
    }

    private static Opened refused(HostFile file, long error) {
        file.put();
        return Opened.failed(error);
    }

    private static Opened opened(FsContext fs, HostFile file, int flags) {
        long error = OpenRules.refusal(fs.root(), file, flags);
        if (error < 0) {
            return refused(file, error);
        }
        if ((flags & OpenFlags.O_PATH) != 0) {
            return Opened.of(file);
        }
        OpenFile ofGroup = fs.root().cgroups().wrap(file);
        if (ofGroup != file) {
            return Opened.of(ofGroup);
        }
        HugetlbFiles hugetlb = fs.root().hugetlb();
        return Opened.of((flags & OpenFlags.O_TRUNC) != 0 ? hugetlb.wrapTruncated(file) : hugetlb.wrap(file));
    }

    /** Opens what a walk finds; a name that is missing is made, unless somebody else makes it meanwhile. */
    private static Opened openWalked(
            FsContext fs, Caller caller, OpenFile base, String path, int flags, int mode, int resolve) {
        boolean creates = (flags & OpenFlags.O_CREAT) != 0 && (flags & OpenFlags.O_PATH) == 0;
        boolean exclusive = creates && (flags & OpenFlags.O_EXCL) != 0;
        boolean follow = (flags & OpenFlags.O_NOFOLLOW) == 0 && !exclusive;
        LastComponent want = follow ? LastComponent.FOLLOW : LastComponent.NO_FOLLOW;
        while (true) {
            try (PathWalk walk = PathWalk.to(fs, caller, base, path, want, resolve)) {
                if (walk.node() != null) {
                    return openNode(fs, caller, base, walk.node(), flags, mode);
                }
                if (walk.object() >= 0 && walk.error() == 0) {
                    return exclusive
                            ? Opened.failed(-Errno.EEXIST)
                            : openObject(fs, caller, walk, flags, creates, mode);
                }
                if (!creates || walk.name() == null) {
                    return Opened.failed(walk.error());
                }
                Opened made = create(fs, caller, walk, flags, mode);
                if (made.error() != -Errno.EEXIST || exclusive) {
                    return made;
                }
            }
        }
    }

    @KernelFunction(value = "do_open", file = "fs/namei.c")
    private static Opened openObject(FsContext fs, Caller caller, PathWalk walk, int flags, boolean creates, int mode) {
        boolean pathOnly = (flags & OpenFlags.O_PATH) != 0;
        long error = 0;
        if (walk.type() == HostStat.S_IFLNK) {
            error = (flags & OpenFlags.O_DIRECTORY) != 0 ? -Errno.ENOTDIR : pathOnly ? 0 : -Errno.ELOOP;
        } else if (walk.type() == HostStat.S_IFDIR && creates) {
            error = -Errno.EISDIR;
        } else if (walk.mount().isCgroup2() && (flags & OpenFlags.O_TMPFILE) == OpenFlags.O_TMPFILE) {
            error = -Errno.EOPNOTSUPP;
        } else if (!pathOnly) {
            error = OpenRules.refusal(fs.root(), walk.mount(), walk.type(), flags);
        }
        if (error < 0) {
            return Opened.failed(error);
        }
        int again = flags & ~(OpenFlags.O_CREAT | OpenFlags.O_NOFOLLOW);
        String link = "/proc/self/fd/" + walk.object();
        long fd = walk.isLink() ? walk.takeObject() : host(fs, caller, Libc.AT_FDCWD, link, again, mode, 0);
        return walkedTo(fs, fd, walk.mount(), flags);
    }

    private static Opened create(FsContext fs, Caller caller, PathWalk walk, int flags, int mode) {
        if (walk.mount().readOnly() || walk.mount().isCgroup2()) {
            return Opened.failed(walk.mount().readOnly() ? -Errno.EROFS : -Errno.EACCES);
        }
        int alone = flags | OpenFlags.O_EXCL | OpenFlags.O_NOFOLLOW;
        long fd = host(fs, caller, walk.directory(), walk.name(), alone, mode, OpenFlags.RESOLVE_BENEATH);
        return walkedTo(fs, fd, walk.mount(), flags);
    }

    private static Opened walkedTo(FsContext fs, long fd, Mount mount, int flags) {
        if (fd < 0) {
            return Opened.failed(fd);
        }
        HostFile file = HostFile.own(fs.root(), (int) fd);
        file.setMount(mount);
        // The host's own /proc, found by another name than /proc, is not for guests.
        return file.dev() == fs.root().procDev() ? refused(file, -Errno.EACCES) : opened(fs, file, flags);
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
            return openCounterpart(fs, caller, node, flags, mode);
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

    private static Opened openCounterpart(FsContext fs, Caller caller, VirtualNode node, int flags, int mode) {
        long error = OpenRules.refusal(fs.root(), node, flags);
        if (error < 0) {
            return Opened.failed(error);
        }
        long fd = host(fs, caller, Libc.AT_FDCWD, node.counterpart(), flags & ~OpenFlags.O_CREAT, mode, 0);
        if (fd < 0) {
            return Opened.failed(fd);
        }
        HostFile file = HostFile.own(fs.root(), (int) fd);
        file.setMount(node.mount());
        if (file.type() == HostStat.S_IFDIR) {
            file.setOverlayPath(node.path());
        }
        return opened(fs, file, flags);
    }

    /** openat2(2) with the flags made as open(2) takes them, and the guest's umask. */
    static long host(FsContext fs, Caller caller, int dirFd, String path, int flags, int mode, int resolve) {
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
        boolean alone = (safe & (OpenFlags.O_CREAT | OpenFlags.O_EXCL)) == (OpenFlags.O_CREAT | OpenFlags.O_EXCL);
        if (!alone && (FifoOpen.waits(safe) || (safe & OpenFlags.O_TRUNC) != 0)) {
            return byKind(fs, caller, dirFd, path, safe, mode, resolve);
        }
        return PathResolver.openat2(dirFd, path, safe, creates ? mode & 07777 : 0, resolve);
    }

    /**
     * Looks first what it is that is opened. A program that starts between this look and the opening is emptied by
     * O_TRUNC all the same, and a FIFO that takes another file's place meanwhile is waited for without an end.
     */
    private static long byKind(FsContext fs, Caller caller, int dirFd, String path, int flags, int mode, int resolve) {
        MemorySegment stat = HostScratch.get().struct();
        int links = (flags & OpenFlags.O_NOFOLLOW) != 0 ? OpenFlags.AT_SYMLINK_NOFOLLOW : 0;
        long known = Libc.call(Nr.NEWFSTATAT, dirFd, HostScratch.get().path(path), stat.address(), links);
        int type = known < 0 ? 0 : HostStat.mode(stat) & HostStat.S_IFMT;
        if (type == HostStat.S_IFIFO && FifoOpen.waits(flags)) {
            return FifoOpen.run(caller, dirFd, path, flags, resolve);
        }
        InodeCache.Key inode = new InodeCache.Key(HostStat.dev(stat), HostStat.ino(stat));
        boolean busy = type == HostStat.S_IFREG
                && (fs.root().writeAccess().isDenied(inode)
                        || fs.root().swapFiles().has(inode));
        // It must keep what it has: OpenRules refuses it, if the host has no other reason to.
        int kept = busy ? flags & ~OpenFlags.O_TRUNC : flags;
        boolean creates = (flags & OpenFlags.O_CREAT) != 0 || (flags & OpenFlags.O_TMPFILE) == OpenFlags.O_TMPFILE;
        return PathResolver.openat2(dirFd, path, kept, creates ? mode & 07777 : 0, resolve);
    }

    /** /proc/HOSTPID/x is the emulator's own: the guest means /proc/self/x. */
    private static String ownProcAsSelf(String path) {
        String own = "/proc/" + ProcessHandle.current().pid();
        return GuestPath.isUnder(path, own) ? "/proc/self" + path.substring(own.length()) : path;
    }
}
