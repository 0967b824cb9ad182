package faultline.mmu.hugetlb;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.file.NamelessFile;

/**
 * The nameless file behind an anonymous mapping of huge pages, private or shared; it lives as long as a mapping of it
 * does.
 */
@KernelFunction(value = "hugetlb_file_setup", file = "fs/hugetlbfs/inode.c")
public final class AnonHugeFile extends NamelessFile {
    /** Device of the kernel's own mount of hugetlbfs: some number of a file system without device. */
    private static final long HUGETLBFS_DEV = 0x10;

    private final HugetlbInode inode;

    /** A file of {@code bytes} bytes with one reference; nothing is reserved for it. */
    public AnonHugeFile(HugetlbPool pool, long bytes) {
        this(new HugetlbInode(pool, bytes));
    }

    private AnonHugeFile(HugetlbInode inode) {
        super(inode.mapping());
        this.inode = inode;
    }

    @Override
    public boolean isHugetlb() {
        return true;
    }

    @Override
    public String path() {
        return "/anon_hugepage (deleted)";
    }

    @Override
    public long dev() {
        return HUGETLBFS_DEV;
    }

    @Override
    protected void released() {
        inode.evict();
    }
}
