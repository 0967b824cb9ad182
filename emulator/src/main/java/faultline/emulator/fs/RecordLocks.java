package faultline.emulator.fs;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/**
 * The guest's POSIX record locks (fs/locks.c): ranges of bytes of a file that belong to a process, which closing any
 * descriptor of that file gives up.
 *
 * <p>The host has them by process, and all guests are one process to it, so they are kept here; processes beside the
 * machine do not see them. The owner is the table of descriptors, as in Linux. Locks by open file (F_OFD_*, flock) are
 * the host's.
 *
 * <p>The monitor guards everything. Who waits is woken by every change.
 */
public final class RecordLocks {
    /** The end of a range that has none. */
    public static final long TO_THE_END = Long.MAX_VALUE;

    private record Inode(long dev, long ino) {}

    /**
     * A locked range.
     *
     * @param pid the process that set it
     * @param start first byte
     * @param end last byte, or {@link #TO_THE_END}
     */
    public record Lock(FdTable owner, int pid, boolean exclusive, long start, long end) {
        boolean overlaps(long from, long to) {
            return start <= to && from <= end;
        }
    }

    private final Map<Inode, List<Lock>> files = new HashMap<>();
    /** Who waits for a lock of whom. */
    private final Map<FdTable, FdTable> waits = new HashMap<>();

    private final List<Runnable> wakers = new ArrayList<>();

    /** A lock that keeps another owner from a range, or null. */
    public synchronized Lock conflict(long dev, long ino, FdTable owner, boolean exclusive, long start, long end) {
        for (Lock lock : files.getOrDefault(new Inode(dev, ino), List.of())) {
            if (lock.owner != owner && lock.overlaps(start, end) && (exclusive || lock.exclusive)) {
                return lock;
            }
        }
        return null;
    }

    /** Locks a range, in place of what the owner has of it. Returns null, or the lock that is in the way. */
    public synchronized Lock set(long dev, long ino, FdTable owner, int pid, boolean exclusive, long start, long end) {
        Lock conflict = conflict(dev, ino, owner, exclusive, start, end);
        if (conflict != null) {
            return conflict;
        }
        clear(dev, ino, owner, start, end);
        long first = start;
        long last = end;
        List<Lock> locks = files.computeIfAbsent(new Inode(dev, ino), key -> new ArrayList<>());
        for (Iterator<Lock> it = locks.iterator(); it.hasNext(); ) {
            Lock lock = it.next();
            boolean touches =
                    lock.end != TO_THE_END && lock.end + 1 == start || end != TO_THE_END && end + 1 == lock.start;
            if (lock.owner == owner && lock.exclusive == exclusive && touches) {
                first = Math.min(first, lock.start);
                last = Math.max(last, lock.end);
                it.remove();
            }
        }
        insert(locks, new Lock(owner, pid, exclusive, first, last));
        owner.noteRecordLocks(this);
        return null;
    }

    /** Locks of one owner lie together, by their first byte; a new owner's come last: so F_GETLK finds them. */
    private static void insert(List<Lock> locks, Lock lock) {
        int at = locks.size();
        for (int i = 0; i < locks.size(); i++) {
            if (locks.get(i).owner == lock.owner) {
                at = i + 1;
                if (locks.get(i).start > lock.start) {
                    at = i;
                    break;
                }
            }
        }
        locks.add(at, lock);
    }

    /** Unlocks what the owner has of a range. */
    public synchronized void clear(long dev, long ino, FdTable owner, long start, long end) {
        Inode inode = new Inode(dev, ino);
        List<Lock> locks = files.get(inode);
        if (locks == null) {
            return;
        }
        for (Lock lock : List.copyOf(locks)) {
            if (lock.owner != owner || !lock.overlaps(start, end)) {
                continue;
            }
            locks.remove(lock);
            if (lock.start < start) {
                insert(locks, new Lock(owner, lock.pid, lock.exclusive, lock.start, start - 1));
            }
            if (lock.end > end) {
                insert(locks, new Lock(owner, lock.pid, lock.exclusive, end + 1, lock.end));
            }
        }
        if (locks.isEmpty()) {
            files.remove(inode);
        }
        wakers.forEach(Runnable::run);
    }

    /** Whether waiting for a lock's owner would be waiting for oneself; if not, the wait is noted. */
    public synchronized boolean beginWait(FdTable waiter, Lock blocker, Runnable waker) {
        for (FdTable at = blocker.owner; at != null; at = waits.get(at)) {
            if (at == waiter) {
                return false;
            }
        }
        waits.put(waiter, blocker.owner);
        wakers.add(waker);
        return true;
    }

    public synchronized void endWait(FdTable waiter, Runnable waker) {
        waits.remove(waiter);
        wakers.remove(waker);
    }
}
