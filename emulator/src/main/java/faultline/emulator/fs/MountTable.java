package faultline.emulator.fs;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.HostStat;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * The mounts of one machine: its root, what {@code --tmpfs} put on top before the first process ran, and the hugetlbfs
 * that guests mount (Linux: {@code mnt_namespace}). Any thread may look; a mount is there as a whole or not at all.
 */
final class MountTable implements AutoCloseable {
    private final Mount root;
    private final List<Mount> mounted = new CopyOnWriteArrayList<>();
    /** No longer mounted. Somebody may be on his way through one, so they stay open. */
    private final List<Mount> gone = new CopyOnWriteArrayList<>();

    MountTable(int rootFd, boolean readOnly) {
        root = new Mount("none", "/", null, rootFd, -1, readOnly, "");
    }

    /**
     * Mounts a tmpfs.
     *
     * @param directory the host's O_PATH descriptor of the directory it covers
     * @throws IllegalArgumentException if the host makes none
     */
    void addTmpfs(Isolation.Tmpfs wanted, int directory) {
        InodeCache.Key over = keyOf(directory);
        int fd = HostTmpfs.make(wanted.bytes());
        String path = GuestPath.normalize(wanted.path());
        mounted.add(new Mount("tmpfs", path, over, fd, keyOf(fd).dev(), false, ""));
    }

    /**
     * Mounts what a guest asked for.
     *
     * @param path guest path of the directory
     * @param over the directory
     * @param fd O_PATH descriptor of its root, which this takes over
     * @param options as /proc/mounts shows them, behind "rw"
     */
    Mount add(String type, String path, InodeCache.Key over, int fd, String options) {
        Mount mount = new Mount(type, path, over, fd, keyOf(fd).dev(), false, options);
        mounted.add(mount);
        return mount;
    }

    /** Unmounts. */
    void remove(Mount mount) {
        gone.add(mount);
        mounted.remove(mount);
    }

    /** The mount whose root directory this is, the last one of several; null for none. */
    Mount rootedAt(InodeCache.Key directory) {
        Mount last = null;
        for (Mount mount : mounted) {
            if (mount.dev() == directory.dev() && keyOf(mount.fd()).equals(directory)) {
                last = mount;
            }
        }
        return last;
    }

    static InodeCache.Key keyOf(int fd) {
        MemorySegment stat = HostScratch.get().struct();
        Libc.call(Nr.FSTAT, fd, stat.address());
        return new InodeCache.Key(HostStat.dev(stat), HostStat.ino(stat));
    }

    Mount root() {
        return root;
    }

    boolean hasAny() {
        return !mounted.isEmpty();
    }

    /** What covers a directory, the last one mounted there first; null for nothing. */
    Mount over(long dev, long ino) {
        Mount last = null;
        for (Mount mount : mounted) {
            if (mount.over().dev() == dev && mount.over().ino() == ino) {
                last = mount;
            }
        }
        return last;
    }

    /** The mount that files of a device belong to. */
    Mount of(long dev) {
        for (Mount mount : mounted) {
            if (mount.dev() == dev) {
                return mount;
            }
        }
        return root;
    }

    /** The mount that an open host descriptor's file belongs to. */
    Mount of(int hostFd) {
        return mounted.isEmpty() ? root : of(keyOf(hostFd).dev());
    }

    /** The mounts on top of the root, in the order in which they were made. */
    List<Mount> onTop() {
        return List.copyOf(mounted);
    }

    /** A second descriptor of a mount's root directory, the caller's own; or -errno. */
    static long open(Mount mount) {
        int flags = OpenFlags.O_PATH | OpenFlags.O_DIRECTORY | OpenFlags.O_CLOEXEC;
        return Libc.call(Nr.OPENAT, mount.fd(), HostScratch.get().path("."), flags);
    }

    @Override
    public void close() {
        mounted.forEach(Mount::close);
        gone.forEach(Mount::close);
        root.close();
    }
}
