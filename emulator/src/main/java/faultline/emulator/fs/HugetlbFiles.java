package faultline.emulator.fs;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.HostStat;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.hugetlb.HugetlbPool;
import faultline.mmu.hugetlb.HugetlbPools;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The files of huge pages of one machine, by device and inode number of the host's file that stands for each.
 *
 * <p>A mount of hugetlbfs is a tmpfs of the host's, whose files stay empty: names and rights are kept there, pages here
 * (see
 * {@link HugetlbMounts}). Pages of a file without name go with its last use; those of one that has a name stay until it
 * is unlinked or unmounted.
 */
public final class HugetlbFiles implements AutoCloseable {
    private static final int STAT_SIZE = 48;
    private static final int STAT_BLKSIZE = 56;
    private static final int STAT_BLOCKS = 64;
    private static final int STATX_BLKSIZE = 4;
    private static final int STATX_INO = 32;
    private static final int STATX_SIZE = 40;
    private static final int STATX_BLOCKS = 48;
    /** Major and minor number, 32 bits each. */
    private static final int STATX_DEV = 136;

    private record Mounted(Mount mount, HugetlbMount huge) {}

    private final HugetlbPools pools;
    private final Map<InodeCache.Key, HugetlbNode> nodes = new HashMap<>();
    /** Mounts of hugetlbfs, by the host's device number. */
    private final Map<Long, Mounted> mounts = new HashMap<>();

    /** Whether there ever was a file or a mount: nobody else is to pay for them. */
    private volatile boolean inUse;

    public HugetlbFiles(HugetlbPools pools) {
        this.pools = pools;
    }

    /**
     * What the guest is to have instead of a host file just opened: itself, unless that stands for one of huge pages.
     */
    public OpenFile wrap(HostFile file) {
        return standsForHuge(file) ? open(file, null) : file;
    }

    /** As {@link #wrap} of a file that was opened with O_TRUNC. */
    OpenFile wrapTruncated(HostFile file) {
        if (!standsForHuge(file)) {
            file.truncatedByOpen();
            return file;
        }
        HugetlbFile huge = open(file, null);
        huge.truncatedByOpen();
        return huge;
    }

    private boolean standsForHuge(HostFile file) {
        return inUse && file.type() == HostStat.S_IFREG && isKnown(file.key());
    }

    private synchronized boolean isKnown(InodeCache.Key key) {
        return mounts.containsKey(key.dev()) || nodes.containsKey(key);
    }

    /** A file of huge pages that {@code file}, a fresh memfd of the host, stands for. */
    public OpenFile memfd(HostFile file, HugetlbPool pool) {
        return open(file, pool);
    }

    /** @param fresh the pool of a file that is none yet; null for that of the mount it is in */
    private synchronized HugetlbFile open(HostFile file, HugetlbPool fresh) {
        inUse = true;
        HugetlbNode node = nodes.computeIfAbsent(
                file.key(),
                key -> fresh != null
                        ? new HugetlbNode(key, fresh, null)
                        : mounts.get(key.dev()).huge().newNode(key));
        node.use();
        return new HugetlbFile(this, node, file);
    }

    synchronized void unuse(HugetlbNode node) {
        if (node.unuse() && !isLinked(node.key())) {
            evict(node);
        }
    }

    private void evict(HugetlbNode node) {
        nodes.remove(node.key());
        node.inode().evict();
    }

    // ---- mounts

    /** The pool of pages of 2^{@code log2} bytes. */
    HugetlbPool pool(int log2) {
        return pools.ofLog2(log2);
    }

    /** A hugetlbfs was mounted. */
    synchronized void mounted(Mount mount, HugetlbMount huge) {
        inUse = true;
        mounts.put(mount.dev(), new Mounted(mount, huge));
    }

    /** Whether files of a mount are open or mapped. */
    synchronized boolean isUsed(Mount mount) {
        return nodes.values().stream().anyMatch(node -> node.key().dev() == mount.dev() && node.isUsed());
    }

    /** Makes what the host's stat(2) told of a file what the guest is to see, if that stands for one of huge pages. */
    @KernelFunction(value = "hugetlbfs_get_inode", file = "fs/hugetlbfs/inode.c")
    public void adjustStat(MemorySegment stat) {
        HugetlbNode node = inUse ? find(HostStat.dev(stat), HostStat.ino(stat)) : null;
        if (node != null) {
            stat.set(ValueLayout.JAVA_LONG, STAT_SIZE, node.inode().mapping().size());
            stat.set(ValueLayout.JAVA_LONG, STAT_BLKSIZE, pageSize(node));
            stat.set(ValueLayout.JAVA_LONG, STAT_BLOCKS, blocks(node));
        }
    }

    /** As {@link #adjustStat} of a {@code struct statx}. */
    public void adjustStatx(MemorySegment statx) {
        if (!inUse) {
            return;
        }
        long major = statx.get(ValueLayout.JAVA_INT, STATX_DEV) & 0xffff_ffffL;
        long minor = statx.get(ValueLayout.JAVA_INT, STATX_DEV + 4) & 0xffff_ffffL;
        long device = (major & 0xfff) << 8 | (major & ~0xfffL) << 32 | minor & 0xff | (minor & ~0xffL) << 12;
        HugetlbNode node = find(device, statx.get(ValueLayout.JAVA_LONG, STATX_INO));
        if (node != null) {
            statx.set(ValueLayout.JAVA_INT, STATX_BLKSIZE, (int) pageSize(node));
            statx.set(ValueLayout.JAVA_LONG, STATX_SIZE, node.inode().mapping().size());
            statx.set(ValueLayout.JAVA_LONG, STATX_BLOCKS, blocks(node));
        }
    }

    private synchronized HugetlbNode find(long device, long inode) {
        return nodes.get(new InodeCache.Key(device, inode));
    }

    private static long blocks(HugetlbNode node) {
        return node.inode().mapping().cachedPages() * (pageSize(node) >> 9);
    }

    private static long pageSize(HugetlbNode node) {
        return node.inode().pool().pageSize();
    }

    /** Makes what the host's statfs(2) told of a path what the guest is to see, if that is in a mount of hugetlbfs. */
    public void adjustStatfs(String hostPath, MemorySegment statfs) {
        Mounted mounted = inUse ? mountOf(deviceOf(hostPath)) : null;
        if (mounted != null) {
            mounted.huge().adjustStatfs(statfs);
        }
    }

    private synchronized Mounted mountOf(long device) {
        return mounts.get(device);
    }

    /** A hugetlbfs was unmounted: what was in it goes. */
    synchronized void unmounted(Mount mount) {
        Mounted gone = mounts.remove(mount.dev());
        sweep();
        if (gone != null) {
            gone.huge().end();
        }
    }

    /** A name may have gone from a mount: pages of files that have none any more, and that nobody uses, go. */
    public synchronized void unlinked() {
        if (!mounts.isEmpty()) {
            sweep();
        }
    }

    private void sweep() {
        List<HugetlbNode> gone = new ArrayList<>();
        for (HugetlbNode node : nodes.values()) {
            if (!node.isUsed() && !isLinked(node.key())) {
                gone.add(node);
            }
        }
        gone.forEach(this::evict);
    }

    private boolean isLinked(InodeCache.Key key) {
        Mounted mounted = mounts.get(key.dev());
        if (mounted == null) {
            return false;
        }
        try (Stream<Path> names =
                Files.walk(Path.of("/proc/self/fd/" + mounted.mount().fd() + "/."))) {
            return names.anyMatch(name -> key.equals(keyOf(name)));
        } catch (IOException | UncheckedIOException e) {
            return true; // changing under our eyes: the next call that removes a name looks again
        }
    }

    private static InodeCache.Key keyOf(Path name) {
        try {
            Map<String, Object> ids = Files.readAttributes(name, "unix:dev,ino");
            return new InodeCache.Key((Long) ids.get("dev"), (Long) ids.get("ino"));
        } catch (IOException e) {
            return null;
        }
    }

    private static long deviceOf(String place) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment stat = arena.allocate(HostStat.SIZE, 8);
            return Libc.call(Nr.STAT, HostScratch.get().path(place), stat.address()) < 0 ? -1 : HostStat.dev(stat);
        }
    }

    /** Nobody uses any file any more: all pages go back. */
    @Override
    public synchronized void close() {
        List.copyOf(nodes.values()).forEach(this::evict);
    }
}
