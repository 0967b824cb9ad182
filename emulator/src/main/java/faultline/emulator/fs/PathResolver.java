package faultline.emulator.fs;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.mmu.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Makes a guest path into something that a host call may be given.
 *
 * <table>
 * <caption>What a resolution yields</caption>
 * <tr><th>the path leads to</th><th>host root</th><th>confined by --root</th></tr>
 * <tr><td>a name of {@link VirtualTree}</td><td colspan="2">the node, with its counterpart's host path</td></tr>
 * <tr><td>an object (FOLLOW)</td><td>the path as it is</td><td>an O_PATH descriptor from openat2(IN_ROOT)</td></tr>
 * <tr><td>a name (NAME, NO_FOLLOW)</td><td>the path as it is</td><td>the parent's O_PATH descriptor, and the name</td></tr>
 * </table>
 *
 * <p>In a confined root no string that the guest chose is ever resolved by the host outside RESOLVE_IN_ROOT, but for one
 * component that the host call does not follow. So neither "..", nor symbolic links, nor a racing rename leave it.
 */
final class PathResolver {
    private static final int MAX_LINKS = 40;

    private PathResolver() {}

    static PathRef resolve(FsContext fs, Caller caller, OpenFile base, String path, LastComponent last) {
        if (path.isEmpty()) {
            return PathRef.itself(base);
        }
        VirtualNode node = virtualNode(fs, caller, base, path, last == LastComponent.FOLLOW);
        if (node != null) {
            return virtual(fs, caller, base, node, last);
        }
        GuestRoot root = fs.root();
        if (base.hostFd() < 0 && !GuestPath.isAbsolute(path)) {
            return PathRef.failed(base instanceof VirtualDirectory ? -Errno.ENOENT : -Errno.ENOTDIR);
        }
        if (!root.confined()) {
            return PathRef.below(base, path);
        }
        String absolute = absolute(root, base, path);
        if (absolute == null) {
            return PathRef.failed(-Errno.ENOENT);
        }
        PathRef ref = confined(root, absolute, last);
        if (ref.error() < 0) {
            VirtualNode behindLinks = followToVirtual(fs, caller, absolute, last == LastComponent.FOLLOW);
            if (behindLinks != null) {
                return virtual(fs, caller, base, behindLinks, last);
            }
        }
        return ref;
    }

    private static PathRef virtual(FsContext fs, Caller caller, OpenFile base, VirtualNode node, LastComponent last) {
        if (node == VirtualTree.ABSENT) {
            return PathRef.failed(-Errno.ENOENT);
        }
        if (node == VirtualTree.NOT_DIRECTORY) {
            return PathRef.failed(-Errno.ENOTDIR);
        }
        if (node.redirect() != null) {
            node.release();
            return resolve(fs, caller, base, node.redirect(), last);
        }
        if (last == LastComponent.NAME) {
            node.release();
            return PathRef.failed(-Errno.EPERM);
        }
        return PathRef.virtual(node);
    }

    private static PathRef confined(GuestRoot root, String absolute, LastComponent last) {
        boolean slashed = absolute.endsWith("/");
        int split = GuestPath.lastComponent(absolute);
        String name = absolute.substring(split);
        boolean special = isDots(name);
        if (last == LastComponent.FOLLOW || last == LastComponent.NO_FOLLOW && (slashed || special)) {
            int flags = OpenFlags.O_PATH | OpenFlags.O_CLOEXEC | (slashed ? OpenFlags.O_DIRECTORY : 0);
            long fd = openInRoot(root, absolute, flags, 0);
            return fd < 0 ? PathRef.failed(fd) : PathRef.object((int) fd);
        }
        String parent = absolute.substring(0, split);
        int flags = OpenFlags.O_PATH | OpenFlags.O_DIRECTORY | OpenFlags.O_CLOEXEC;
        long fd = openInRoot(root, parent.isEmpty() ? "/" : parent, flags, 0);
        if (fd < 0) {
            return PathRef.failed(fd);
        }
        return PathRef.inDirectory((int) fd, name.isEmpty() ? "." : name);
    }

    private static boolean isDots(String name) {
        return name.isEmpty() || name.equals(".") || name.equals("..");
    }

    /** The guest's absolute path of {@code path} below {@code base}; null when base lies outside the root. */
    static String absolute(GuestRoot root, OpenFile base, String path) {
        if (GuestPath.isAbsolute(path)) {
            return path;
        }
        if (base.hostFd() < 0) {
            return GuestPath.join(base.path(), path);
        }
        String host = GuestRoot.hostPathOfFd(base.hostFd());
        return root.isInside(host) && GuestPath.isAbsolute(host) ? GuestPath.join(root.guestPath(host), path) : null;
    }

    /** openat2(2) with the guest's root for "/". Returns a host descriptor or -errno. */
    static long openInRoot(GuestRoot root, String path, int flags, int mode) {
        return openat2(root.fd(), path, flags, mode, OpenFlags.RESOLVE_IN_ROOT | OpenFlags.RESOLVE_NO_MAGICLINKS);
    }

    static long openat2(int dirFd, String path, int flags, int mode, int resolve) {
        HostScratch scratch = HostScratch.get();
        MemorySegment how = scratch.struct();
        how.set(ValueLayout.JAVA_LONG, 0, flags & 0xffff_ffffL);
        how.set(ValueLayout.JAVA_LONG, 8, mode);
        how.set(ValueLayout.JAVA_LONG, 16, resolve);
        long fd;
        do {
            // RESOLVE_IN_ROOT gives EAGAIN when a rename anywhere raced with "..": try again, as its manual says.
            fd = Libc.call(Nr.OPENAT2, dirFd, scratch.path(path), how.address(), 24);
        } while (fd == -Errno.EAGAIN
                && (resolve & OpenFlags.RESOLVE_IN_ROOT) != 0
                && (flags & OpenFlags.O_NONBLOCK) == 0);
        return fd;
    }

    /** The emulator's node for a path, going by its text; null when the host is to resolve it. */
    static VirtualNode virtualNode(FsContext fs, Caller caller, OpenFile base, String path, boolean follow) {
        if (fs.tree() == VirtualTree.NONE) {
            return null;
        }
        if (GuestPath.isAbsolute(path)) {
            return GuestPath.mayBeVirtual(path) ? lookup(fs, caller, path, follow) : null;
        }
        String start = base.overlayPath();
        if (start == null) {
            if (!GuestPath.mayBeVirtual(path)) {
                return null;
            }
            start = base.path();
            if (!GuestPath.isAbsolute(start)) {
                return null;
            }
        }
        return lookup(fs, caller, GuestPath.join(start, path), follow);
    }

    private static VirtualNode lookup(FsContext fs, Caller caller, String path, boolean follow) {
        // A trailing slash or dots ask for the directory behind a link.
        boolean through = follow || path.endsWith("/") || path.endsWith("/.") || path.endsWith("/..");
        String climbed = climb(fs, caller, path);
        VirtualNode node = fs.tree().lookup(caller, climbed, through);
        // Links of the virtual tree led out of it: the host must not see the path that went through them.
        boolean ledOut = node == null && !climbed.equals(GuestPath.normalize(path));
        return ledOut ? new RedirectNode(path, climbed) : node;
    }

    /**
     * Takes "." and ".." out of an absolute path: ".." behind a link of the virtual tree (/proc/self/cwd/..) goes up from
     * where the link leads, any other goes up by text.
     */
    private static String climb(FsContext fs, Caller caller, String path) {
        String todo = path;
        for (int links = 0; links < MAX_LINKS; links++) {
            int up = todo.indexOf("/..");
            if (up < 0) {
                break;
            }
            if (up + 3 < todo.length() && todo.charAt(up + 3) != '/') {
                return GuestPath.normalize(todo);
            }
            String below = where(fs, caller, GuestPath.normalize(todo.substring(0, up)));
            todo = below.substring(0, below.lastIndexOf('/')) + todo.substring(up + 3);
        }
        return GuestPath.normalize(todo);
    }

    /** Where a normalised path leads through the links of the virtual tree. */
    private static String where(FsContext fs, Caller caller, String path) {
        String at = path;
        for (int links = 0; links < MAX_LINKS; links++) {
            VirtualNode node = fs.tree().lookup(caller, at, true);
            if (node == null) {
                break;
            }
            node.release();
            if (node.redirect() == null) {
                break;
            }
            at = GuestPath.normalize(node.redirect());
        }
        return at;
    }

    /**
     * Walks a confined path link by link, to see whether a symbolic link leads to the virtual part, which the host's
     * resolution cannot see. Taken only when that one failed.
     */
    static VirtualNode followToVirtual(FsContext fs, Caller caller, String absolute, boolean follow) {
        String todo = absolute;
        for (int links = 0; links < MAX_LINKS; ) {
            String normal = GuestPath.normalize(todo);
            VirtualNode node = fs.tree().lookup(caller, normal, follow);
            if (node != null) {
                return node;
            }
            String next = expandFirstLink(fs.root(), normal, follow);
            if (next == null) {
                return null;
            }
            todo = next;
            links++;
        }
        return null;
    }

    /** The path with its first symbolic link replaced by the link's target; null when it has none or ends early. */
    private static String expandFirstLink(GuestRoot root, String path, boolean follow) {
        int at = 0;
        while (at < path.length()) {
            int end = path.indexOf('/', at + 1);
            boolean isLast = end < 0;
            end = isLast ? path.length() : end;
            if (isLast && !follow) {
                return null;
            }
            String prefix = path.substring(0, end);
            String target = readLink(root, prefix);
            if (target == null) {
                return null;
            }
            if (!target.isEmpty()) {
                return GuestPath.join(path.substring(0, at + 1), target) + path.substring(end);
            }
            at = end;
        }
        return null;
    }

    /** A symbolic link's target; "" when the path is something else; null when it is nothing. */
    private static String readLink(GuestRoot root, String path) {
        long fd = openInRoot(root, path, OpenFlags.O_PATH | OpenFlags.O_NOFOLLOW | OpenFlags.O_CLOEXEC, 0);
        if (fd < 0) {
            return null;
        }
        MemorySegment to = HostScratch.get().struct();
        long n = Libc.call(Nr.READLINKAT, fd, HostScratch.get().path(""), to.address(), to.byteSize());
        Libc.call(Nr.CLOSE, fd);
        return n < 0 ? "" : HostScratch.latin1(to, 0, (int) n);
    }
}
