package faultline.emulator.fs;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.HostStat;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * The mounts of one machine: its root, and what {@code --tmpfs} put on top (Linux: {@code mnt_namespace}).
 *
 * <p>Made before the first process runs, and immutable from then on.
 */
final class MountTable implements AutoCloseable {
    private final Mount root;
    private final List<Mount> tmpfs = new ArrayList<>();

    MountTable(int rootFd, boolean readOnly) {
        root = new Mount("/", null, rootFd, -1, readOnly);
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
        tmpfs.add(new Mount(
                GuestPath.normalize(wanted.path()), over, fd, keyOf(fd).dev(), false));
    }

    private static InodeCache.Key keyOf(int fd) {
        MemorySegment stat = HostScratch.get().struct();
        Libc.call(Nr.FSTAT, fd, stat.address());
        return new InodeCache.Key(HostStat.dev(stat), HostStat.ino(stat));
    }

    Mount root() {
        return root;
    }

    boolean hasTmpfs() {
        return !tmpfs.isEmpty();
    }

    /** What covers a directory, the last one mounted there first; null for nothing. */
    Mount over(long dev, long ino) {
        for (int i = tmpfs.size() - 1; i >= 0; i--) {
            InodeCache.Key over = tmpfs.get(i).over();
            if (over.dev() == dev && over.ino() == ino) {
                return tmpfs.get(i);
            }
        }
        return null;
    }

    /** The mount that files of a device belong to. */
    Mount of(long dev) {
        for (Mount mount : tmpfs) {
            if (mount.dev() == dev) {
                return mount;
            }
        }
        return root;
    }

    /** The mount that an open host descriptor's file belongs to. */
    Mount of(int hostFd) {
        return tmpfs.isEmpty() ? root : of(keyOf(hostFd).dev());
    }

    /** The tmpfs mounts, in the order in which they were made. */
    List<Mount> tmpfs() {
        return List.copyOf(tmpfs);
    }

    /** A second descriptor of a mount's root directory, the caller's own; or -errno. */
    static long open(Mount mount) {
        int flags = OpenFlags.O_PATH | OpenFlags.O_DIRECTORY | OpenFlags.O_CLOEXEC;
        return Libc.call(Nr.OPENAT, mount.fd(), HostScratch.get().path("."), flags);
    }

    @Override
    public void close() {
        tmpfs.forEach(Mount::close);
        root.close();
    }
}
