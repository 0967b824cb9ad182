package faultline.emulator.fs;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.mmu.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Makes a guest path into something that a host call may be given.
 *
 * <table>
 * <caption>What a resolution yields</caption>
 * <tr><th>the path leads to</th><th>the host's own tree</th><th>a tree that differs</th></tr>
 * <tr><td>a name of {@link VirtualTree}</td><td colspan="2">the node, with its counterpart's host path</td></tr>
 * <tr><td>an object (FOLLOW)</td><td>the path as it is</td><td>an O_PATH descriptor from {@link PathWalk}</td></tr>
 * <tr><td>a name (NAME, NO_FOLLOW)</td><td>the path as it is</td><td>the parent's O_PATH descriptor, and the
 * name</td></tr>
 * </table>
 *
 * <p>In a tree that differs no string that the guest chose is ever resolved by the host, but for one component that the
 * host call does not follow.
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
        if (base.hostFd() < 0 && !GuestPath.isAbsolute(path)) {
            return PathRef.failed(base instanceof VirtualDirectory ? -Errno.ENOENT : -Errno.ENOTDIR);
        }
        if (!fs.root().differs()) {
            return PathRef.below(base, path);
        }
        try (PathWalk walk = PathWalk.to(fs, caller, base, path, last, 0)) {
            return walk.node() != null ? virtual(fs, caller, base, walk.node(), last) : walked(walk, last);
        }
    }

    private static PathRef walked(PathWalk walk, LastComponent last) {
        if (walk.error() < 0) {
            return PathRef.failed(walk.error());
        }
        if (last == LastComponent.FOLLOW || walk.object() >= 0 && !walk.isLink()) {
            return PathRef.object(walk.takeObject(), walk.mount());
        }
        long directory = walk.openDirectory();
        return directory < 0
                ? PathRef.failed(directory)
                : PathRef.inDirectory((int) directory, walk.name(), walk.mount(), walk.isMountPoint());
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

    /** openat2(2) of the host. Returns a host descriptor or -errno. */
    static long openat2(int dirFd, String path, int flags, int mode, int resolve) {
        HostScratch scratch = HostScratch.get();
        MemorySegment how = scratch.struct();
        how.set(ValueLayout.JAVA_LONG, 0, flags & 0xffff_ffffL);
        how.set(ValueLayout.JAVA_LONG, 8, mode);
        how.set(ValueLayout.JAVA_LONG, 16, resolve);
        return Libc.call(Nr.OPENAT2, dirFd, scratch.path(path), how.address(), 24);
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

    /**
     * The virtual tree's node for an absolute path that may have dots in it; null when the name is not of that tree.
     */
    static VirtualNode lookup(FsContext fs, Caller caller, String path, boolean follow) {
        // A trailing slash or dots ask for the directory behind a link.
        boolean through = follow || path.endsWith("/") || path.endsWith("/.") || path.endsWith("/..");
        String climbed = climb(fs, caller, path);
        VirtualNode node = fs.tree().lookup(caller, climbed, through);
        // Links of the virtual tree led out of it: the host must not see the path that went through them.
        boolean ledOut = node == null && !climbed.equals(GuestPath.normalize(path));
        return ledOut ? new RedirectNode(path, climbed) : node;
    }

    /**
     * Takes "." and ".." out of an absolute path: ".." behind a link of the virtual tree (/proc/self/cwd/..) goes up
     * from where the link leads, any other goes up by text.
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
}
