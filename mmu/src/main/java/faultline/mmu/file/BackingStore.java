package faultline.mmu.file;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.phys.Page;
import java.lang.foreign.MemorySegment;

/**
 * Where the pages of a file come from and go to.
 *
 * <p>Called with the page locked and without any spin lock, from any thread; implementations do their own locking.
 */
public interface BackingStore {
    /**
     * Reads {@code count} whole pages from page {@code index} on into {@code dst}.
     *
     * @param index first page of the file
     * @param count pages, at least 1
     * @param dst {@code count} pages of memory
     * @return bytes read, from 0 (at or beyond the end of the file) to {@code count} pages, the rest of {@code dst}
     *     being left as it was; or -errno
     */
    int readPages(long index, int count, MemorySegment dst);

    /**
     * Writes {@code bytes} bytes from page {@code index} on; never makes the file longer than it was.
     *
     * @param index page of the file at which to begin
     * @param bytes length, at most the size of {@code src}
     * @param src the data
     * @return bytes written, or -errno
     */
    int writePages(long index, int bytes, MemorySegment src);

    /** Size of the file in bytes, now. */
    long size();

    /** Whether the pages have no home but memory and swap of this machine (shared anonymous memory, SysV segments). */
    boolean isShmem();

    /**
     * Whether the pages are huge ones, at indexes that are multiples of 512, and may lie beyond the end of the file.
     */
    default boolean hasHugePages() {
        return false;
    }

    /**
     * What the file is known by, however often it leaves the cache and comes back: equal objects for one file. Memory
     * that lives nowhere else is known by its pages.
     */
    @KernelFunction("get_inode_sequence_number")
    default Object identity(AddressSpace mapping) {
        return mapping;
    }

    /**
     * Whether programs are to take it for shared memory: what {@link #isShmem}, and what the host has in a tmpfs
     * (memfd).
     */
    default boolean isTmpfs() {
        return isShmem();
    }

    /** Whether page {@code index} has nothing stored: it would read as zeros. A store that does not know says no. */
    default boolean isHole(long index) {
        return isShmem();
    }

    /**
     * Sees to it that page {@code index}, about to be written through a mapping, has room where it is stored.
     *
     * @return 0, or -errno: -ENOSPC when there is none
     */
    default int reserve(long index) {
        return 0;
    }

    /** Bytes of which room is given at once, if that is less than a page. */
    default long blockBytes() {
        return Page.SIZE;
    }

    /**
     * Makes {@code count} pages from page {@code firstPage} on a hole: they read as zeros, the size stays.
     *
     * @return 0 or more, or -errno; -EOPNOTSUPP where there are no holes
     */
    default int punchHole(long firstPage, long count) {
        return -Errno.EOPNOTSUPP;
    }

    /** The store of memory of small pages that has no home. */
    BackingStore SHMEM = new MemoryStore() {};
}
