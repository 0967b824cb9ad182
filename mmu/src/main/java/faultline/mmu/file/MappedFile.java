package faultline.mmu.file;

import faultline.mmu.policy.SharedPolicy;

/**
 * An open file as the memory manager sees it (Linux: {@code struct file} as far as mm/ looks into it).
 *
 * <p>A mapping holds one reference for its life, so that the file stays after its descriptor is closed.
 */
public interface MappedFile {
    /** The pages of the file; the same object for every open file of one inode. */
    AddressSpace mapping();

    /** Whether the file's pages are huge ones of the pool (Linux: {@code is_file_hugepages}). */
    default boolean isHugetlb() {
        return false;
    }

    /** Whether opened for reading: without it no mapping at all is allowed (EACCES). */
    boolean readable();

    /** Whether opened for writing: without it no shared writable mapping is allowed (EACCES). */
    boolean writable();

    /** Whether the file system forbids execution of its files (mmap with PROT_EXEC gives EPERM). */
    boolean noexec();

    /** Whether a seal forbids new shared mappings that may be written (F_SEAL_WRITE, F_SEAL_FUTURE_WRITE). */
    default boolean sealedAgainstWrites() {
        return false;
    }

    /** Whether it is a swap area of the machine: no new shared mapping may write to it (ETXTBSY). */
    default boolean isSwapFile() {
        return false;
    }

    /**
     * Whether its mappings have operations of their own, close among them, as those of System V segments ({@code
     * shm_vm_ops}). They are not removed by merging, not moved together with others, and not watched by userfaultfd.
     */
    default boolean hasOwnOperations() {
        return false;
    }

    /** Memory policies of its pages, whoever maps them; null for a file that keeps none. */
    default SharedPolicy sharedPolicy() {
        return null;
    }

    /** The path as /proc/PID/maps shows it. */
    String path();

    /** Device number as the guest's stat(2) reports it. */
    long dev();

    /** Inode number as the guest's stat(2) reports it. */
    long ino();

    /** Takes a reference (Linux: {@code get_file}). */
    void get();

    /** Drops a reference; the last one closes the file (Linux: {@code fput}). */
    void put();
}
