package faultline.emulator.fs;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;

/**
 * A guest path made ready for the host: a directory descriptor and a name for the {@code *at} calls.
 *
 * <p>The descriptor is that of an open directory, which stays referenced, or one made for this resolution; {@link
 * #close} lets go of either.
 */
public final class PathRef implements AutoCloseable {
    private final long error;
    private final int dirFd;
    private final String name;
    private final int ownedFd;
    private final OpenFile heldDirectory;
    private final VirtualNode node;

    private final Mount mount;
    private final boolean mountPoint;

    private PathRef(
            long error,
            int dirFd,
            String name,
            int ownedFd,
            OpenFile heldDirectory,
            VirtualNode node,
            Mount mount,
            boolean mountPoint) {
        this.error = error;
        this.heldDirectory = heldDirectory;
        this.dirFd = dirFd;
        this.name = name;
        this.ownedFd = ownedFd;
        this.node = node;
        this.mount = mount;
        this.mountPoint = mountPoint;
    }

    static PathRef failed(long error) {
        return new PathRef(error, -1, "", -1, null, null, null, false);
    }

    /** A host path that starts at an open directory, on which this takes a reference. */
    static PathRef below(OpenFile directory, String name) {
        if (GuestPath.isAbsolute(name)) {
            return new PathRef(0, Libc.AT_FDCWD, name, -1, null, null, null, false);
        }
        directory.get();
        return new PathRef(0, directory.hostFd(), name, -1, directory, null, null, false);
    }

    /** A name in a directory that was opened for this. */
    static PathRef inDirectory(int ownedFd, String name, Mount mount, boolean mountPoint) {
        return new PathRef(0, ownedFd, name, ownedFd, null, null, mount, mountPoint);
    }

    /** An open file itself, for AT_EMPTY_PATH. */
    static PathRef itself(OpenFile file) {
        if (file.hostFd() < 0) {
            return new PathRef(0, Libc.AT_FDCWD, file.counterpart(), -1, null, null, null, false);
        }
        file.get();
        return new PathRef(0, file.hostFd(), "", -1, file, null, file.mount(), false);
    }

    /** The object behind an O_PATH descriptor that was opened for this, symbolic links being resolved already. */
    static PathRef object(int ownedFd, Mount mount) {
        return new PathRef(0, Libc.AT_FDCWD, "/proc/self/fd/" + ownedFd, ownedFd, null, null, mount, false);
    }

    static PathRef virtual(VirtualNode node) {
        return new PathRef(0, Libc.AT_FDCWD, node.counterpart(), -1, null, node, node.mount(), false);
    }

    /** 0, or -errno when the path could not be resolved. */
    public long error() {
        return error;
    }

    /** The host descriptor that the name is relative to; AT_FDCWD only with an absolute name. */
    public int dirFd() {
        return dirFd;
    }

    /** The last component. */
    public String name() {
        return name;
    }

    /**
     * The node of {@link VirtualTree} the path led to; null for a plain host file. Its metadata are the host name's.
     */
    public VirtualNode node() {
        return node;
    }

    /** Whether it lies on a file system that is mounted read-only (EROFS). */
    public boolean readOnly() {
        return mount != null && mount.readOnly();
    }

    /** Whether it lies in a mount of control groups, or is to. */
    public boolean isOnCgroup2() {
        return node == null && mount != null && mount.isCgroup2();
    }

    /** Whether both lie on the same one of the machine's own mounts. */
    public boolean isOnMountOf(PathRef other) {
        return mount == other.mount;
    }

    /** Whether something is mounted on the directory it names, which cannot be removed or renamed then (EBUSY). */
    public boolean isMountPoint() {
        return mountPoint;
    }

    /** Whether the name is a magic link of the host's /proc to an object that symbolic links were resolved to. */
    public boolean isObject() {
        return dirFd == Libc.AT_FDCWD && ownedFd >= 0;
    }

    /**
     * The AT_* flags for a host call on this: an object that was resolved already is reached through a magic link,
     * which the host has to follow.
     */
    public int flags(int flags) {
        return isObject() ? flags & ~OpenFlags.AT_SYMLINK_NOFOLLOW : flags;
    }

    /** The name in the thread's first path block. */
    public long pointer() {
        return HostScratch.get().path(name);
    }

    /** The name in the thread's second path block. */
    public long secondPointer() {
        return HostScratch.get().secondPath(name);
    }

    /** One absolute host path for calls without a directory argument (xattr, statfs, truncate). */
    public String absolute() {
        return name.startsWith("/") || dirFd == Libc.AT_FDCWD ? name : "/proc/self/fd/" + dirFd + "/" + name;
    }

    /** An absolute host path without descriptors of ours in it, which means the same when this is closed. */
    public String text() {
        if (dirFd == Libc.AT_FDCWD) {
            return isObject() ? GuestRoot.hostPathOfFd(ownedFd) : name;
        }
        String directory = GuestRoot.hostPathOfFd(dirFd);
        return name.isEmpty() ? directory : directory + "/" + name;
    }

    @Override
    public void close() {
        if (ownedFd >= 0) {
            Libc.call(Nr.CLOSE, ownedFd);
        }
        if (heldDirectory != null) {
            heldDirectory.put();
        }
        if (node != null) {
            node.release();
        }
    }
}
