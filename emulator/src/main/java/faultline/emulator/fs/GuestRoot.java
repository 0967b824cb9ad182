package faultline.emulator.fs;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.HostStat;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The directory that is "/" for the guest, what is mounted in it, and what the guest may do there.
 *
 * <p>One a machine. Where the guest's tree is the host's own, paths pass to the host; where it {@link
 * #differs},
 * {@link PathWalk} resolves them.
 */
public final class GuestRoot implements AutoCloseable {
    private final Isolation isolation;
    private final int fd;
    private final MountTable mounts;
    private final String hostPath;
    private final long procDev;
    private final InodeCache inodes;
    private final HugetlbFiles hugetlb;
    private final WriteAccess writeAccess = new WriteAccess();
    private final SwapFiles swapFiles = new SwapFiles();
    private final CgroupFiles cgroups;
    private volatile boolean autoMounted;
    private final AbstractNames abstractNames = new AbstractNames();

    /**
     * Opens the root that an isolation asks for, and mounts in it.
     *
     * @throws IllegalArgumentException if a directory cannot be opened
     */
    GuestRoot(Isolation isolation, InodeCache inodes, HugetlbFiles hugetlb, CgroupFiles cgroups) {
        this.isolation = isolation;
        this.inodes = inodes;
        this.hugetlb = hugetlb;
        this.cgroups = cgroups;
        this.fd = openDirectory(Libc.AT_FDCWD, isolation.root() == null ? "/" : latin1(isolation.root()), 0);
        this.hostPath = confined() ? hostPathOfFd(fd) : "";
        MemorySegment stat = HostScratch.get().struct();
        long r = Libc.call(Nr.STAT, HostScratch.get().path("/proc"), stat.address());
        this.procDev = r == 0 ? HostStat.dev(stat) : -1;
        this.mounts = new MountTable(fd, isolation.readOnly());
        for (Isolation.Tmpfs tmpfs : isolation.tmpfs()) {
            // The path is the user's, not the guest's; links in it stay in the root all the same.
            int over = openDirectory(fd, tmpfs.path(), OpenFlags.RESOLVE_IN_ROOT);
            mounts.addTmpfs(tmpfs, over);
            Libc.call(Nr.CLOSE, over);
        }
    }

    /** A host path as the bytes that it is made of. */
    static String latin1(Path path) {
        return new String(path.toString().getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
    }

    private static int openDirectory(int base, String path, int resolve) {
        int flags = OpenFlags.O_PATH | OpenFlags.O_DIRECTORY | OpenFlags.O_CLOEXEC;
        long opened = PathResolver.openat2(base, path, flags, 0, resolve);
        if (opened < 0) {
            throw new IllegalArgumentException("cannot open directory " + path + ": errno " + -opened);
        }
        return (int) opened;
    }

    /** Pages of the machine's files. */
    public InodeCache inodes() {
        return inodes;
    }

    /** Files of huge pages. */
    public HugetlbFiles hugetlb() {
        return hugetlb;
    }

    /** Which files are written to, and which are executed. */
    public WriteAccess writeAccess() {
        return writeAccess;
    }

    /** Which files are swap areas. */
    public SwapFiles swapFiles() {
        return swapFiles;
    }

    /** Files of control groups. */
    public CgroupFiles cgroups() {
        return cgroups;
    }

    /** Whether paths are confined to a directory. */
    public boolean confined() {
        return isolation.root() != null;
    }

    /** What the guest may reach of the host. */
    public Isolation isolation() {
        return isolation;
    }

    /**
     * Takes ownership of a host descriptor that was not opened by a path of the guest's: it came with a message, or the
     * emulator was started with it. A stored file counts as one of the root: where that is read-only, it may be written
     * to as far as it was opened for that, and its metadata stay.
     *
     * @throws IllegalArgumentException if it is not open
     */
    public OpenFile receive(int hostFd) {
        HostFile file = HostFile.own(this, hostFd);
        boolean stored = file.type() == HostStat.S_IFREG || file.type() == HostStat.S_IFDIR;
        if (stored && !hostPathOfFd(hostFd).startsWith("/memfd:")) {
            if (differs()) {
                file.setMount(mounts.of(hostFd));
            }
            if (file.writable()) {
                // One that is executed stays open for writing all the same: it was before.
                file.takeWriteAccess();
            }
        }
        return hugetlb.wrap(file);
    }

    /** Whether an open file is a directory from which paths would lead out of a confined root. */
    boolean leadsOut(OpenFile file) {
        return confined() && file instanceof HostFile host && host.isDirectory() && pathInside(host.hostFd()) == null;
    }

    /** What abstract Unix socket names stand for; null when they are the host's. */
    public AbstractNames abstractNames() {
        return isolation.noNet() ? abstractNames : null;
    }

    /** Whether paths mean something else here than on the host, so that they are walked. */
    public boolean differs() {
        return isolation.differs() || mounts.hasAny();
    }

    /** A path leads somewhere: before it can be at /sys/fs/cgroup, the guest's own groups are mounted there. */
    void autoMount(String path) {
        boolean near = path.startsWith("/sys")
                && (path.equals("/sys") || path.equals("/sys/fs") || GuestPath.isUnder(path, CgroupFiles.PLACE));
        if (near && !autoMounted && cgroups.exist() && !confined()) {
            mountCgroups();
        }
    }

    /** Whether control groups are, or would be, seen at /sys/fs/cgroup without the guest's doing. */
    boolean autoMounts() {
        return cgroups.exist() && !confined() && Files.isDirectory(Path.of(CgroupFiles.PLACE));
    }

    private synchronized void mountCgroups() {
        int flags = OpenFlags.O_PATH | OpenFlags.O_DIRECTORY | OpenFlags.O_CLOEXEC;
        long over = PathResolver.openat2(fd, CgroupFiles.PLACE, flags, 0, 0);
        long made = over < 0 || autoMounted ? -1 : cgroups.openRoot();
        if (made >= 0) {
            mounts.add(
                    Mount.CGROUP2, CgroupFiles.PLACE, MountTable.keyOf((int) over), (int) made, Mount.CGROUP2_OPTIONS);
        }
        if (over >= 0) {
            Libc.call(Nr.CLOSE, over);
        }
        autoMounted = true;
    }

    /** Makes what the host's statfs(2) told of a path what the guest is to see of a mount of the machine's own. */
    public void adjustStatfs(String hostPath, MemorySegment statfs) {
        hugetlb.adjustStatfs(hostPath, statfs);
        cgroups.adjustStatfs(hostPath, statfs);
    }

    /** Mounts that guests make. */
    public GuestMounts guestMounts() {
        return new GuestMounts(this);
    }

    MountTable mounts() {
        return mounts;
    }

    /** The host's O_PATH descriptor of the root directory. */
    int fd() {
        return fd;
    }

    /** Device number of the host's /proc, or -1 where there is none. */
    long procDev() {
        return procDev;
    }

    /**
     * The path of an open host descriptor as the guest would name it; what lies outside the root keeps its host name.
     */
    String pathOfFd(int hostFd) {
        String inside = pathInside(hostFd);
        return inside == null ? hostPathOfFd(hostFd) : inside;
    }

    /**
     * The guest path of an open host descriptor; null when it is outside the root, or has no path ({@code pipe:[…]}).
     */
    String pathInside(int hostFd) {
        String path = hostPathOfFd(hostFd);
        Mount mount = mounts.of(hostFd);
        if (!GuestPath.isAbsolute(path)) {
            return null;
        }
        if (mount != mounts.root()) {
            return mount.guestPath(path);
        }
        if (!confined() || hostPath.equals("/")) {
            return path;
        }
        boolean inside = GuestPath.isUnder(path, hostPath);
        return !inside ? null : path.length() == hostPath.length() ? "/" : path.substring(hostPath.length());
    }

    /** What the host's /proc/self/fd/N points to, Latin-1. */
    static String hostPathOfFd(int hostFd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment to = arena.allocate(HostScratch.PATH_BYTES);
            long link = HostScratch.get().path("/proc/self/fd/" + hostFd);
            long n = Libc.call(Nr.READLINK, link, to.address(), to.byteSize());
            return n < 0 ? "" : HostScratch.latin1(to, 0, (int) n);
        }
    }

    @Override
    public void close() {
        mounts.close();
    }
}
