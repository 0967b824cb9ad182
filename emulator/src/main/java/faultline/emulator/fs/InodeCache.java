package faultline.emulator.fs;

import faultline.mmu.file.PageCache;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The host inodes of one machine that have pages in guest memory, by device and inode number.
 *
 * <p>An inode enters when an open file of it is first mapped. When the last such open file is released (mappings hold
 * their file, so that is after the last mapping too) it is written back and leaves, unless nothing could be written
 * through it: programs and libraries are mapped again and again, so their pages are kept, and used again if the file
 * has not changed meanwhile. Reclaim takes such pages as any others that nobody maps.
 *
 * <p>Open files that were never mapped ask {@link #find} at each read and write, so that they see what mappings
 * changed.
 */
public final class InodeCache {
    /** Inodes that are kept without being used. Each has a descriptor of the host. */
    static final int MOST_KEPT = 64;

    record Key(long dev, long ino) {}

    private final PageCache pages;
    private final ConcurrentHashMap<Key, CachedInode> inodes = new ConcurrentHashMap<>();
    /** Inodes without use, the one unused for longest first. Guards itself; taken inside an inode's monitor. */
    private final LinkedHashMap<Key, CachedInode> kept = new LinkedHashMap<>();

    /** A cache without inodes, whose pages are in {@code pages}. */
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

    /** The inode if mappings show it, with one use for the caller; null when the host alone knows the file. */
    CachedInode find(Key key) {
        if (inodes.isEmpty()) {
            return null;
        }
        CachedInode inode = inodes.get(key);
        return inode != null && inode.useAgain() ? inode : null;
    }

    /**
     * As {@link #find}, for who is going to change the file: pages that are merely kept are not worth keeping any more.
     */
    CachedInode findToChange(Key key) {
        CachedInode inode = find(key);
        if (inode == null && !inodes.isEmpty()) {
            CachedInode unused = inodes.get(key);
            if (unused != null) {
                unused.discard();
            }
        }
        return inode;
    }

    void remove(CachedInode inode) {
        inodes.remove(inode.key(), inode);
    }

    /** Nobody uses an inode that may be used again. Returns another one that has to go for it, or null. */
    CachedInode keep(CachedInode inode) {
        synchronized (kept) {
            kept.put(inode.key(), inode);
            return kept.size() > MOST_KEPT ? kept.pollFirstEntry().getValue() : null;
        }
    }

    /** An inode is used again, or gone. */
    void unkeep(CachedInode inode) {
        synchronized (kept) {
            kept.remove(inode.key(), inode);
        }
    }

    /** How many inodes have pages that a file may show: 0 when all files are closed and unmapped. */
    public int size() {
        synchronized (kept) {
            return inodes.size() - kept.size();
        }
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

    /** Lets go of all pages that are only kept. */
    void discardKept() {
        List<CachedInode> all;
        synchronized (kept) {
            all = new ArrayList<>(kept.values());
        }
        all.forEach(CachedInode::discard);
    }
}
