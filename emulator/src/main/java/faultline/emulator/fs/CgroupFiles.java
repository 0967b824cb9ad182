package faultline.emulator.fs;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.HostStat;
import faultline.emulator.host.HostStatfs;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;

/**
 * The file system of control groups of one machine. Names, rights and owners are kept by a tmpfs that no path of the
 * host leads to; what is read and written there is the hierarchy's ({@link CgroupNode}). All mounts show the same one.
 *
 * <p>/sys/fs/cgroup is mounted by itself when a path first leads near it, where the guest's tree is the host's and
 * there is such a directory: so that nobody pays for a tree with mounts of its own who does not look there.
 */
public final class CgroupFiles {
    static final String PLACE = "/sys/fs/cgroup";

    private static final long CGROUP2_SUPER_MAGIC = 0x6367_7270L;
    private static final int ROOT_MODE = 0555;
    private static final int DIRECTORY_MODE = 0755;
    private static final String SUBTREE_CONTROL = "cgroup.subtree_control";

    /** What an empty file of the tmpfs stands for. */
    private record File(CgroupNode group, String name) {}

    private final CgroupNode hierarchy;
    /** Guarded by this, with what follows. */
    private final Map<InodeCache.Key, CgroupNode> directories = new HashMap<>();

    private final Map<InodeCache.Key, File> files = new HashMap<>();
    private boolean tried;
    /** Its device number, once it is there. */
    private volatile long dev;

    /** The tmpfs; -1 before it is first wanted, and when the host makes none. */
    private volatile int fd = -1;

    /** @param hierarchy the root group; null for a machine without groups */
    CgroupFiles(CgroupNode hierarchy) {
        this.hierarchy = hierarchy;
    }

    /** Whether there are groups at all. */
    boolean exist() {
        return hierarchy != null;
    }

    /**
     * Makes the tmpfs if it is not there. @return a descriptor of its root that is the caller's; -EPERM where the host
     * makes none
     */
    synchronized long openRoot() {
        if (!tried && hierarchy != null) {
            tried = true;
            try {
                int made = HostTmpfs.make(0);
                chmod(made, ROOT_MODE);
                populate(made, hierarchy);
                dev = MountTable.keyOf(made).dev();
                fd = made;
            } catch (IllegalArgumentException e) {
                return -Errno.EPERM;
            }
        }
        int flags = OpenFlags.O_PATH | OpenFlags.O_DIRECTORY | OpenFlags.O_CLOEXEC;
        return fd < 0
                ? -Errno.EPERM
                : Libc.call(Nr.OPENAT, fd, HostScratch.get().path("."), flags);
    }

    /** A directory stands for a group from now on; all groups below it get theirs. */
    @KernelFunction(value = "css_populate_dir", file = "kernel/cgroup/cgroup.c")
    private void populate(int directory, CgroupNode group) {
        directories.put(MountTable.keyOf(directory), group);
        syncFiles(directory, group);
        for (CgroupNode child : group.children()) {
            Libc.call(Nr.MKDIRAT, directory, HostScratch.get().path(child.name()), DIRECTORY_MODE);
            withChild(directory, child.name(), opened -> populate(opened, child));
        }
    }

    /** Makes the files that the group has, and removes those that it no longer has. */
    private void syncFiles(int directory, CgroupNode group) {
        Map<String, CgroupNode.Entry> missing = new HashMap<>();
        group.files().forEach(file -> missing.put(file.name(), file));
        for (VirtualDirectory.Entry entry : ProcTree.hostEntries("/proc/self/fd/" + directory)) {
            if (entry.type() == VirtualDirectory.DT_REG && missing.remove(entry.name()) == null) {
                Libc.call(Nr.UNLINKAT, directory, HostScratch.get().path(entry.name()), 0);
                files.values().remove(new File(group, entry.name()));
            }
        }
        missing.values().forEach(file -> make(directory, group, file));
    }

    private void make(int directory, CgroupNode group, CgroupNode.Entry entry) {
        int flags = OpenFlags.O_CREAT | OpenFlags.O_EXCL | OpenFlags.O_CLOEXEC;
        HostScratch.get().useUmask(0);
        long made = Libc.call(Nr.OPENAT, directory, HostScratch.get().path(entry.name()), flags, entry.mode());
        if (made < 0) {
            throw new IllegalStateException("cannot make " + entry.name() + " of a control group: errno " + -made);
        }
        files.put(MountTable.keyOf((int) made), new File(group, entry.name()));
        Libc.call(Nr.CLOSE, made);
    }

    @FunctionalInterface
    private interface OnDirectory {
        void run(int directory);
    }

    private static void withChild(int directory, String name, OnDirectory body) {
        int flags = OpenFlags.O_PATH | OpenFlags.O_DIRECTORY | OpenFlags.O_CLOEXEC | OpenFlags.O_NOFOLLOW;
        long opened = Libc.call(Nr.OPENAT, directory, HostScratch.get().path(name), flags);
        if (opened >= 0) {
            body.run((int) opened);
            Libc.call(Nr.CLOSE, opened);
        }
    }

    private static void chmod(int directory, int mode) {
        Libc.call(Nr.CHMOD, HostScratch.get().path("/proc/self/fd/" + directory), mode);
    }

    /** The group that an open directory is; null for any other file. */
    public CgroupNode groupOf(OpenFile file) {
        if (fd < 0 || file.hostFd() < 0) {
            return null;
        }
        synchronized (this) {
            return directories.get(MountTable.keyOf(file.hostFd()));
        }
    }

    /** What the guest is to have instead of a host file just opened: itself, unless that stands for one of a group. */
    OpenFile wrap(HostFile file) {
        if (fd < 0 || file.type() != HostStat.S_IFREG) {
            return file;
        }
        synchronized (this) {
            File behind = files.get(file.key());
            return behind == null ? file : new CgroupFile(this, behind.group(), behind.name(), file);
        }
    }

    /** A write to a file of a group; the files of the groups below follow what their controllers are. */
    long write(CgroupNode group, String name, String text) {
        long result = group.write(name, text);
        if (result == 0 && name.equals(SUBTREE_CONTROL)) {
            syncBelow(group);
        }
        return result;
    }

    @KernelFunction(value = "cgroup_apply_control_enable", file = "kernel/cgroup/cgroup.c")
    private synchronized void syncBelow(CgroupNode group) {
        withChild(
                fd,
                pathOf(group),
                directory -> group.children()
                        .forEach(child -> withChild(directory, child.name(), below -> syncFiles(below, child))));
    }

    /** Where the directory of a group is in the tmpfs. */
    private static String pathOf(CgroupNode group) {
        String path = group.path();
        return path.equals("/") ? "." : path.substring(1);
    }

    /** Makes what the host's statfs(2) told of a path what the guest is to see, if that is here. */
    void adjustStatfs(String hostPath, MemorySegment statfs) {
        if (fd < 0) {
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment stat = arena.allocate(HostStat.SIZE, 8);
            long result = Libc.call(Nr.STAT, HostScratch.get().path(hostPath), stat.address());
            if (result == 0 && HostStat.dev(stat) == dev) {
                HostStatfs.setType(statfs, CGROUP2_SUPER_MAGIC);
            }
        }
    }

    /** mkdir(2) of a name in the directory of a group. */
    public synchronized long mkdir(PathRef place, int mode) {
        CgroupNode group = directories.get(MountTable.keyOf(place.dirFd()));
        if (group == null) {
            return -Errno.ENOENT;
        }
        HostScratch.get().useUmask(0);
        long result = Libc.call(Nr.MKDIRAT, place.dirFd(), place.pointer(), mode);
        if (result < 0) {
            return result;
        }
        String name = place.name().replaceAll("/+$", "");
        result = group.mkdir(name);
        if (result < 0) {
            Libc.call(Nr.UNLINKAT, place.dirFd(), place.pointer(), OpenFlags.AT_REMOVEDIR);
            return result;
        }
        withChild(place.dirFd(), name, directory -> populate(directory, group.child(name)));
        return 0;
    }

    /** rmdir(2) of one. Its files go with it. */
    public synchronized long rmdir(PathRef place) {
        CgroupNode group = directories.get(MountTable.keyOf(place.dirFd()));
        String name = place.name().replaceAll("/+$", "");
        CgroupNode child = group == null ? null : group.child(name);
        if (child == null) {
            // a file, dots, or nothing: as any file system says
            return Libc.call(Nr.UNLINKAT, place.dirFd(), place.pointer(), OpenFlags.AT_REMOVEDIR);
        }
        long result = child.rmdir();
        if (result == 0) {
            withChild(place.dirFd(), name, directory -> {
                for (VirtualDirectory.Entry entry : ProcTree.hostEntries("/proc/self/fd/" + directory)) {
                    Libc.call(Nr.UNLINKAT, directory, HostScratch.get().path(entry.name()), 0);
                }
            });
            directories.values().remove(child);
            files.values().removeIf(file -> file.group() == child);
            Libc.call(Nr.UNLINKAT, place.dirFd(), place.pointer(), OpenFlags.AT_REMOVEDIR);
        }
        return result;
    }

    void close() {
        if (fd >= 0) {
            Libc.call(Nr.CLOSE, fd);
        }
    }
}
