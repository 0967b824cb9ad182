package faultline.emulator.fs;

import faultline.mmu.hugetlb.HugetlbInode;
import faultline.mmu.hugetlb.HugetlbPool;
import faultline.mmu.hugetlb.HugetlbSubpool;

/**
 * One file of huge pages: its pages and size are the machine's, its name and rights those of the empty file of the host
 * that stands for it. Uses are counted under the table's monitor.
 */
final class HugetlbNode {
    private final InodeCache.Key key;
    private final HugetlbInode inode;
    private int uses;

    /** @param share of the pool that its pages are taken from; null for none */
    HugetlbNode(InodeCache.Key key, HugetlbPool pool, HugetlbSubpool share) {
        this.key = key;
        this.inode = new HugetlbInode(pool, share, 0);
    }

    InodeCache.Key key() {
        return key;
    }

    HugetlbInode inode() {
        return inode;
    }

    void use() {
        uses++;
    }

    /** @return whether nobody uses it any more */
    boolean unuse() {
        return --uses == 0;
    }

    boolean isUsed() {
        return uses > 0;
    }
}
