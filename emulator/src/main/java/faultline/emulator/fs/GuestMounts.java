package faultline.emulator.fs;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.HostStat;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.hugetlb.HugetlbPool;
import faultline.mmu.hugetlb.HugetlbSubpool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * mount(2) and umount2(2) of hugetlbfs and cgroup2: in the guest's own view of its tree, so that neither the host's
 * mounts nor its huge pages and groups have to do with it. Names and rights of files are kept by a tmpfs that no path
 * of the host leads to.
 */
public final class GuestMounts {
    private static final int MNT_DETACH = 2;

    private final GuestRoot root;
    private final MountTable table;

    GuestMounts(GuestRoot root) {
        this.root = root;
        this.table = root.mounts();
    }

    /**
     * Mounts a hugetlbfs.
     *
     * @param place host path of what it is to cover
     * @return 0; -ENOTDIR; -EBUSY where something is mounted already; -EPERM to anybody but root; -EINVAL when more is
     * to     be assured than allowed; -ENOMEM when the pool cannot assure that, or there is no inode for the root
     */
    @KernelFunction(value = "hugetlbfs_fill_super", file = "fs/hugetlbfs/inode.c")
    public long mountHugetlbfs(String place, HugetlbOptions options) {
        HugetlbFiles files = root.hugetlb();
        HugetlbPool pool = files.pool(options.log2());
        if (options.isContradiction(pool)) {
            return -Errno.EINVAL;
        }
        HugetlbSubpool share = null;
        if (options.isLimited()) {
            share = HugetlbSubpool.make(
                    pool, options.size().pages(pool), options.least().pages(pool));
            if (share == null) {
                return -Errno.ENOMEM;
            }
        }
        HugetlbMount huge = new HugetlbMount(pool, share, options.inodes());
        long r = mount(
                place,
                Mount.HUGETLBFS,
                options.text(pool),
                () -> newHugetlbfs(options),
                mount -> files.mounted(mount, huge));
        if (r < 0) {
            huge.end();
        }
        return r;
    }

    private static long newHugetlbfs(HugetlbOptions options) {
        if (options.inodes() == 0) {
            return -Errno.ENOMEM;
        }
        try {
            int fd = HostTmpfs.make(0, Math.max(0, options.inodes()));
            String self = "/proc/self/fd/" + fd;
            Libc.call(Nr.CHOWN, HostScratch.get().path(self), options.uid(), options.gid());
            Libc.call(Nr.CHMOD, HostScratch.get().path(self), options.rootMode());
            return fd;
        } catch (IllegalArgumentException e) {
            return -Errno.EPERM; // the host makes no tmpfs
        }
    }

    /** Mounts the machine's control groups. Results as of {@link #mountHugetlbfs}. */
    @KernelFunction(value = "cgroup_get_tree", file = "kernel/cgroup/cgroup.c")
    public long mountCgroup2(String place) {
        return mount(place, Mount.CGROUP2, Mount.CGROUP2_OPTIONS, root.cgroups()::openRoot, mount -> {});
    }

    private long mount(String place, String type, String options, LongSupplier fileSystem, Consumer<Mount> mounted) {
        if (Libc.call(Nr.GETEUID) != 0) {
            return -Errno.EPERM;
        }
        long fd = Libc.call(Nr.OPENAT, Libc.AT_FDCWD, HostScratch.get().path(place), OpenFlags.O_PATH);
        if (fd < 0) {
            return fd;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment stat = arena.allocate(HostStat.SIZE, 8);
            Libc.call(Nr.FSTAT, fd, stat.address());
            if ((HostStat.mode(stat) & HostStat.S_IFMT) != HostStat.S_IFDIR) {
                return -Errno.ENOTDIR;
            }
            InodeCache.Key over = new InodeCache.Key(HostStat.dev(stat), HostStat.ino(stat));
            if (table.rootedAt(over) != null) {
                return -Errno.EBUSY;
            }
            long made = fileSystem.getAsLong();
            if (made < 0) {
                return made;
            }
            Mount mount = table.add(type, root.pathOfFd((int) fd), over, (int) made, options);
            mounted.accept(mount);
            return 0;
        } finally {
            Libc.call(Nr.CLOSE, fd);
        }
    }

    /** Whether a host path is the root of a mount of these. */
    public boolean isMounted(String place) {
        return at(place) != null;
    }

    private Mount at(String place) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment stat = arena.allocate(HostStat.SIZE, 8);
            if (!table.hasAny() || Libc.call(Nr.STAT, HostScratch.get().path(place), stat.address()) < 0) {
                return null;
            }
            Mount mount = table.rootedAt(new InodeCache.Key(HostStat.dev(stat), HostStat.ino(stat)));
            return mount != null && mount.isGuests() ? mount : null;
        }
    }

    /**
     * Takes the mount away whose root a host path is.
     *
     * @param flags of umount2(2)
     * @return 0; -EBUSY while files in it are open or mapped, unless with MNT_DETACH; -EINVAL where there is none
     */
    @KernelFunction(value = "do_umount", file = "fs/namespace.c")
    public long unmount(String place, int flags) {
        Mount mount = at(place);
        if (mount == null) {
            return -Errno.EINVAL;
        }
        if (mount.path().equals(CgroupFiles.PLACE)) {
            return -Errno.EBUSY; // the machine's own; the host's would be seen without it
        }
        boolean huge = mount.type().equals(Mount.HUGETLBFS);
        if (huge && (flags & MNT_DETACH) == 0 && root.hugetlb().isUsed(mount)) {
            return -Errno.EBUSY;
        }
        table.remove(mount);
        if (huge) {
            root.hugetlb().unmounted(mount);
        }
        return 0;
    }
}
