package faultline.emulator.fs;

import faultline.mmu.file.AddressSpace;
import faultline.mmu.file.PageCache;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The host inodes of one machine that have pages in guest memory, by device and inode number.
 *
 * <p>An inode enters when an open file of it is first mapped and leaves, written back, when the last such open file is
 * released; mappings hold their file, so that is after the last mapping too. Open files that were never mapped ask
 * {@link #find} at each read and write, so that they see what mappings changed.
 */
public final class InodeCache {
    record Key(long dev, long ino) {}

    private final PageCache pages;
    private final ConcurrentHashMap<Key, CachedInode> inodes = new ConcurrentHashMap<>();

    public InodeCache(PageCache pages) {
        this.pages = pages;
    }

    /** The inode behind a mapped file, with one use for the caller. */
    CachedInode open(HostFile file) {
        while (true) {
            CachedInode inode = inodes.computeIfAbsent(file.key(), k -> new CachedInode(this, k));
            if (inode.use(file, pages)) {
                return inode;
            }
            Thread.onSpinWait();
        }
    }

    /** The inode if it has pages, with one use for the caller; null when the host alone knows the file. */
    CachedInode find(Key key) {
        if (inodes.isEmpty()) {
            return null;
        }
        CachedInode inode = inodes.get(key);
        return inode != null && inode.useAgain() ? inode : null;
    }

    void remove(CachedInode inode) {
        inodes.remove(inode.key(), inode);
    }

    /** How many inodes have pages: 0 when all files are closed and unmapped. */
    public int size() {
        return inodes.size();
    }

    /**
     * Writes all dirty pages of all files to the host (sync(2), and the end of a machine).
     *
     * @return 0 or the last -errno
     */
    public long writebackAll() {
        long result = 0;
        for (CachedInode inode : inodes.values()) {
            if (inode.useAgain()) {
                long r = inode.mapping().writeback(0, Long.MAX_VALUE);
                result = r < 0 ? r : result;
                inode.unuse();
            }
        }
        return result;
    }

    /** The pages of an inode that is in the cache, for tests and audits; null otherwise. */
    AddressSpace peek(Key key) {
        CachedInode inode = inodes.get(key);
        return inode == null ? null : inode.mapping();
    }
}
