package faultline.emulator.syscall.ipc;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.file.MappedFile;
import faultline.mmu.policy.SharedPolicy;

/** What one shmat(2) maps: the segment's memory as a file of its own, so that two attachments never merge. */
@KernelFunction(value = "shm_file_data", file = "ipc/shm.c")
final class ShmAttachment implements MappedFile {
    /** Device of the kernel's own memory file system, as /proc/PID/maps of Linux shows it. */
    private static final long SHMEM_DEV = 1;

    private final ShmTable table;
    private final ShmSegment segment;
    private final boolean readOnly;
    private final String path;

    /** The caller has counted itself as attached, and ends with {@link #put}. */
    ShmAttachment(ShmTable table, ShmSegment segment, boolean readOnly) {
        this.table = table;
        this.segment = segment;
        this.readOnly = readOnly;
        this.path = "/SYSV%08x (deleted)".formatted(segment.key);
    }

    @Override
    public AddressSpace mapping() {
        return segment.memory;
    }

    @Override
    public boolean isHugetlb() {
        return segment.memory.store().hasHugePages();
    }

    @Override
    public boolean hasOwnOperations() {
        return true;
    }

    @Override
    public boolean readable() {
        return true;
    }

    @Override
    public boolean writable() {
        return !readOnly;
    }

    @Override
    public boolean noexec() {
        return false;
    }

    @Override
    public SharedPolicy sharedPolicy() {
        return isHugetlb() ? null : segment.policy;
    }

    @Override
    public String path() {
        return path;
    }

    @Override
    public long dev() {
        return SHMEM_DEV;
    }

    @Override
    public long ino() {
        return segment.id;
    }

    @Override
    @KernelFunction(value = "shm_open", file = "ipc/shm.c")
    public void get() {
        table.attached(segment);
    }

    @Override
    @KernelFunction(value = "shm_close", file = "ipc/shm.c")
    public void put() {
        table.detached(segment);
    }
}
