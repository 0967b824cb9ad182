package faultline.emulator.fs;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.file.PageCache;
import java.lang.foreign.MemorySegment;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One host inode whose pages are in guest memory. Its life is counted by uses, under its monitor: each mapped open file
 * has one, and each read or write in flight.
 *
 * <pre>
 *   used ── last use ends ──▶ kept ── mapped again, file unchanged ──▶ used
 *     └── could be written ──▶ dead ◀── file changed, too many kept ──┘
 * </pre>
 */
final class CachedInode {
    private static final Logger LOG = LoggerFactory.getLogger(CachedInode.class);

    private final InodeCache cache;
    private final InodeCache.Key key;
    private int uses;
    private boolean dead;
    private HostStore store;
    /** The host's file when its first page was read. */
    private FileVersion version;

    private volatile AddressSpace mapping;

    CachedInode(InodeCache cache, InodeCache.Key key) {
        this.cache = cache;
        this.key = key;
    }

    InodeCache.Key key() {
        return key;
    }

    AddressSpace mapping() {
        return mapping;
    }

    /** A file is about to be mapped. Returns false when the inode is just leaving the cache: look again. */
    synchronized boolean use(HostFile file, PageCache pages) {
        if (dead) {
            return false;
        }
        if (mapping == null) {
            version = FileVersion.of(file.hostFd());
            store = new HostStore(file);
            mapping = new AddressSpace(pages, store);
        } else if (uses == 0 && !isUnchanged(file.hostFd())) {
            die();
            return false;
        } else {
            store.offerWritable(file);
        }
        if (uses++ == 0) {
            cache.unkeep(this);
        }
        return true;
    }

    private boolean isUnchanged(int hostFd) {
        return version != null && version.equals(FileVersion.of(hostFd));
    }

    /** A read or write begins. Returns false when no open file shows these pages. */
    synchronized boolean useAgain() {
        if (uses == 0) {
            return false;
        }
        uses++;
        return true;
    }

    /**
     * Ends one use. After the last one the pages are kept, or are written back and freed, and the host's file is let
     * go.
     */
    void unuse() {
        CachedInode oldest;
        synchronized (this) {
            if (--uses > 0) {
                return;
            }
            if (!isWorthKeeping()) {
                die();
                return;
            }
            oldest = cache.keep(this);
        }
        if (oldest != null) {
            oldest.discard();
        }
    }

    /** What was never writable is as clean as the host's file, if that has stayed the same. */
    private boolean isWorthKeeping() {
        return !store.isWritable()
                && mapping.hasPages()
                && version != null
                && version.links() > 0
                && isUnchanged(store.fd());
    }

    /** Ends an inode that nobody uses. */
    synchronized void discard() {
        if (uses == 0 && !dead) {
            die();
        }
    }

    private void die() {
        int lost = mapping.evict();
        if (lost < 0) {
            // The last close is too late to tell the program; the kernel logs it too ("lost async page write").
            LOG.warn("pages of inode {} on device {} could not be written: errno {}", key.ino(), key.dev(), -lost);
        }
        dead = true;
        cache.unkeep(this);
        cache.remove(this);
        store.close();
    }

    /**
     * Seals the memfd that {@code fd} is.
     *
     * @return 0 or -errno: -EBUSY for a seal against writing while there is a shared writable mapping
     */
    @KernelFunction(value = "memfd_add_seals", file = "mm/memfd.c")
    long seal(int fd, int seals) {
        // Dirty pages must reach the host before it refuses writes.
        long error = mapping.writeback(0, Long.MAX_VALUE);
        if (error < 0) {
            return error;
        }
        if ((seals & HostSeals.WRITE) != 0) {
            if (!mapping.areas().denyWritable()) {
                return -Errno.EBUSY;
            }
            store.dropWritable();
        } else if ((seals & HostSeals.FUTURE_WRITE) != 0) {
            store.keepWritable();
        }
        return HostSeals.add(fd, seals);
    }

    /**
     * Reads from cached pages where there are any, and from the host in between.
     *
     * @return bytes read, 0 at the end of the file, or -errno when there were none
     */
    long read(long position, MemorySegment to, long length) {
        long done = 0;
        while (done < length) {
            long at = position + done;
            long n = mapping.readCached(at, to.asSlice(done), length - done);
            if (n == 0) {
                if (at >= mapping.size() && at >= mapping.refreshSize()) {
                    break;
                }
                long run = mapping.uncachedRun(at, length - done);
                if (run == 0) {
                    // The page is being read in, or just came: ask the cache again.
                    Thread.onSpinWait();
                    continue;
                }
                n = store.read(at, to.asSlice(done, run));
                if (n <= 0) {
                    return done > 0 ? done : n;
                }
            }
            done += n;
        }
        return done;
    }
}
