package faultline.mmu.hugetlb;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PhysicalMemory;
import java.lang.foreign.MemorySegment;

/**
 * What system calls do to an open file of huge pages: read(2), ftruncate(2), fallocate(2). Writing is not possible
 * (EINVAL).
 */
public final class HugetlbFileCalls {
    private static final int KEEP_SIZE = 0x01;
    private static final int PUNCH_HOLE = 0x02;

    private final HugetlbInode inode;

    /** The calls on one file. */
    public HugetlbFileCalls(HugetlbInode inode) {
        this.inode = inode;
    }

    /**
     * Copies up to {@code length} bytes from {@code position} on; holes are zeros. @return bytes copied, 0 at the end
     */
    @KernelFunction(value = "hugetlbfs_read_iter", file = "fs/hugetlbfs/inode.c")
    public long read(long position, MemorySegment to, long length) {
        long end = Math.min(position + length, inode.mapping().size());
        PhysicalMemory phys = inode.mapping().cache().phys();
        long at = position;
        while (at < end) {
            long n = Math.min(inode.pool().pageSize() - inode.pool().offsetInPage(at), end - at);
            long head = inode.find(Page.pfn(at));
            if (head < 0) {
                to.asSlice(at - position, n).fill((byte) 0);
            } else {
                phys.read(Page.address(head) + inode.pool().offsetInPage(at), to, at - position, n);
                inode.mapping().cache().allocator().putPage(head);
            }
            at += n;
        }
        return Math.max(0, at - position);
    }

    /** @return 0; -EINVAL for a size that is not one of whole pages */
    @KernelFunction(value = "hugetlbfs_setattr", file = "fs/hugetlbfs/inode.c")
    public int truncate(long bytes) {
        if (inode.pool().offsetInPage(bytes) != 0 || bytes < 0) {
            return -Errno.EINVAL;
        }
        inode.mapping().inodeLock().writeLock();
        inode.lock().writeLock();
        try {
            inode.setSize(bytes);
            new HugetlbRange(inode).cut(bytes);
            return 0;
        } finally {
            inode.lock().writeUnlock();
            inode.mapping().inodeLock().writeUnlock();
        }
    }

    /**
     * Lays pages in, or makes a hole.
     *
     * @param mode FALLOC_FL_* bits
     * @return 0; -EOPNOTSUPP; -ENOSPC when the pool has no more, those before staying
     */
    @KernelFunction(value = "hugetlbfs_fallocate", file = "fs/hugetlbfs/inode.c")
    public int allocate(int mode, long offset, long length) {
        if ((mode & ~(KEEP_SIZE | PUNCH_HOLE)) != 0) {
            return -Errno.EOPNOTSUPP;
        }
        if ((mode & PUNCH_HOLE) != 0) {
            return punch(offset, length);
        }
        inode.mapping().inodeLock().writeLock();
        try {
            int error = fill(offset, offset + length);
            if (error == 0 && (mode & KEEP_SIZE) == 0) {
                grow(offset + length);
            }
            return error;
        } finally {
            inode.mapping().inodeLock().writeUnlock();
        }
    }

    private int punch(long offset, long length) {
        inode.mapping().inodeLock().writeLock();
        inode.lock().writeLock();
        try {
            new HugetlbRange(inode).punch(offset, length);
            return 0;
        } finally {
            inode.lock().writeUnlock();
            inode.mapping().inodeLock().writeUnlock();
        }
    }

    private int fill(long from, long to) {
        long size = inode.pool().pageSize();
        for (long at = from & -size; at < to; at += size) {
            inode.lock().writeLock();
            try {
                long head = inode.find(Page.pfn(at));
                head = head < 0 ? inode.create(Page.pfn(at)) : head;
                if (head < 0) {
                    return -Errno.ENOSPC;
                }
                inode.mapping().cache().allocator().putPage(head);
            } finally {
                inode.lock().writeUnlock();
            }
        }
        return 0;
    }

    private void grow(long bytes) {
        inode.lock().writeLock();
        if (bytes > inode.mapping().size()) {
            inode.setSize(bytes);
        }
        inode.lock().writeUnlock();
    }
}
