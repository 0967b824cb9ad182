package faultline.emulator.fs;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.hugetlb.HugetlbPool;
import faultline.mmu.hugetlb.HugetlbSubpool;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What is the machine's own of a mount of hugetlbfs.
 *
 * @param pool whose pages its files have
 * @param share of the pool that they may have; null for all
 * @param inodes how many files and directories there may be; -1 for any number
 */
@KernelFunction(value = "hugetlbfs_sb_info", file = "include/linux/hugetlb.h")
record HugetlbMount(HugetlbPool pool, HugetlbSubpool share, long inodes) {
    private static final long HUGETLBFS_MAGIC = 0x9584_58f6L;
    private static final int TYPE = 0;
    private static final int BSIZE = 8;
    private static final int BLOCKS = 16;
    private static final int BFREE = 24;
    private static final int BAVAIL = 32;
    private static final int FILES = 40;
    private static final int FFREE = 48;

    /** A new file. */
    HugetlbNode newNode(InodeCache.Key key) {
        return new HugetlbNode(key, pool, share);
    }

    /** The mount is gone: nothing is assured to its files any more. */
    void end() {
        if (share != null) {
            share.retire();
        }
    }

    /** Makes what the host's statfs(2) told of the tmpfs behind the mount what the guest is to see. */
    @KernelFunction(value = "hugetlbfs_statfs", file = "fs/hugetlbfs/inode.c")
    void adjustStatfs(MemorySegment statfs) {
        set(statfs, TYPE, HUGETLBFS_MAGIC);
        set(statfs, BSIZE, pool.pageSize());
        boolean limited = share != null;
        long free = limited ? share.left() : 0;
        set(statfs, BLOCKS, limited ? share.most() : 0);
        set(statfs, BFREE, free);
        set(statfs, BAVAIL, free);
        long filesLeft = inodes < 0 ? -1 : statfs.get(ValueLayout.JAVA_LONG, FFREE);
        set(statfs, FILES, limited ? inodes : 0);
        set(statfs, FFREE, limited ? filesLeft : 0);
    }

    private static void set(MemorySegment statfs, int at, long value) {
        statfs.set(ValueLayout.JAVA_LONG, at, value);
    }
}
