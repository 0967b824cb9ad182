package faultline.mmu.op;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.file.NamelessFile;
import faultline.mmu.file.PageCache;
import faultline.mmu.mm.CommitAccount;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.policy.SharedPolicy;

/** The nameless file behind a shared anonymous mapping; its pages live until the last mapping of it goes. */
@KernelFunction(value = "shmem_zero_setup", file = "mm/shmem.c")
final class SharedMemoryFile extends NamelessFile {
    /** Device of the kernel's own memory file system, as /proc/PID/maps of Linux shows it. */
    private static final long SHMEM_DEV = 1;

    private final CommitAccount commit;
    private final long charged;
    private final SharedPolicy policy = new SharedPolicy();

    private SharedMemoryFile(AddressSpace mapping, CommitAccount commit, long charged) {
        super(mapping);
        this.commit = commit;
        this.charged = charged;
    }

    /**
     * Memory of {@code bytes} bytes with one reference, or null when that much cannot be promised.
     *
     * @param account whether it counts against the machine's commit limit
     */
    static SharedMemoryFile create(PageCache cache, CommitAccount commit, long bytes, boolean account) {
        long pages = account ? bytes >>> MmLayout.PAGE_SHIFT : 0;
        if (pages != 0 && commit.charge(pages) == -Errno.ENOMEM) {
            return null;
        }
        return new SharedMemoryFile(AddressSpace.shmem(cache, bytes), commit, pages);
    }

    @Override
    public String path() {
        return "/dev/zero (deleted)";
    }

    @Override
    public SharedPolicy sharedPolicy() {
        return policy;
    }

    @Override
    public long dev() {
        return SHMEM_DEV;
    }

    @Override
    protected void released() {
        mapping().truncate(0);
        commit.uncharge(charged);
    }
}
