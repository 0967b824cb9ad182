package faultline.mmu.hugetlb;

import faultline.mmu.file.AddressSpace;
import faultline.mmu.file.MappedFile;

/** A file of huge pages that is open for reading and writing, and outlives its mappings. */
record OpenHugeFile(HugetlbInode inode) implements MappedFile {
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
        return "/huge/file";
    }

    @Override
    public long dev() {
        return 1;
    }

    @Override
    public long ino() {
        return 1;
    }

    @Override
    public void get() {
        // the test holds it
    }

    @Override
    public void put() {
        // the test holds it
    }
}
