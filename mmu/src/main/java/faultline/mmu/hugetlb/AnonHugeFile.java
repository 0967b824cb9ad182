package faultline.mmu.hugetlb;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.file.MappedFile;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** The nameless file behind an anonymous mapping of huge pages, private or shared; it lives as long as a mapping of it does. */
@KernelFunction(value = "hugetlb_file_setup", file = "fs/hugetlbfs/inode.c")
public final class AnonHugeFile implements MappedFile {
    /** Device of the kernel's own mount of hugetlbfs: some number of a file system without device. */
    private static final long HUGETLBFS_DEV = 0x10;

    private static final AtomicLong NEXT_INO = new AtomicLong(1024);

    private final HugetlbInode inode;
    private final long ino = NEXT_INO.incrementAndGet();
    private final AtomicInteger references = new AtomicInteger(1);

    /** A file of {@code bytes} bytes with one reference; nothing is reserved for it. */
    public AnonHugeFile(HugetlbPool pool, long bytes) {
        this.inode = new HugetlbInode(pool, bytes);
    }

    @Override
    public AddressSpace mapping() {
        return inode.mapping();
    }

    @Override
    public boolean isHugetlb() {
        return true;
    }

    @Override
    public boolean readable() {
        return true;
    }

    @Override
    public boolean writable() {
        return true;
    }

    @Override
    public boolean noexec() {
        return false;
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
    public long ino() {
        return ino;
    }

    @Override
    public void get() {
        references.incrementAndGet();
    }

    @Override
    public void put() {
        if (references.decrementAndGet() == 0) {
            inode.evict();
        }
    }
}
