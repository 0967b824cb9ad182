package faultline.mmu.hugetlb;

import faultline.mmu.file.NamelessFile;

/** A file of huge pages that is open for reading and writing, and outlives its mappings. */
final class OpenHugeFile extends NamelessFile {
    OpenHugeFile(HugetlbInode inode) {
        super(inode.mapping());
    }

    @Override
    public boolean isHugetlb() {
        return true;
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
    protected void released() {
        // the file has a name, and stays
    }
}
