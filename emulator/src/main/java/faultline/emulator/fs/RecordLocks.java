package faultline.emulator.fs;

import faultline.mmu.annotation.KernelFunction;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The guest's record locks (fs/locks.c): ranges of bytes of a file that belong to a process (POSIX), or to an open file
 * (F_OFD_*). The two kinds keep each other away.
 *
 * <table>
 * <caption>Whose they are</caption>
 * <tr><th></th><th>POSIX</th><th>open file</th></tr>
 * <tr><td>owner</td><td>the table of descriptors, as in Linux</td><td>the {@link OpenFile}</td></tr>
 * <tr><td>given up when</td><td>any descriptor of that file is closed</td><td>the open file's last descriptor
 * is</td></tr>
 * <tr><td>after fork</td><td>the parent's alone</td><td>shared</td></tr>
 * <tr><td>waiting in a circle</td><td>EDEADLK</td><td>waits for ever</td></tr>
 * </table>
 *
 * <p>The host has POSIX locks by process, and all guests are one process to it, so both kinds are kept here; processes
 * beside the machine do not see them. Locks by flock(2), which are apart from these in Linux, too, are the host's.
 *
 * <p>The monitor guards everything. Who waits is woken by every change.
 */
public final class RecordLocks {
    /** The end of a range that has none. */
    public static final long TO_THE_END = Long.MAX_VALUE;

    /** How long a chain of owners is followed in the search for a circle (MAX_DEADLK_ITERATIONS). */
    private static final int LONGEST_CHAIN = 10;

    /** A file, however often it is open. */
    public record Inode(long dev, long ino) {}

    /** What a lock lets others do. */
    public enum Type {
        /** Not a lock: asked for, all that the owner itself has. */
        NONE,
        READ,
        WRITE
    }

    /**
     * A locked range, or one that is asked for.
     *
     * @param owner an {@link FdTable}, or {@code file} itself
     * @param file through which it is locked
     * @param pid the process that set it
     * @param start first byte
     * @param end last byte, or {@link #TO_THE_END}
     */
    public record Lock(Object owner, OpenFile file, int pid, Type type, long start, long end) {
        /** Whether it belongs to an open file. */
        public boolean ofOpenFile() {
            return owner == file;
        }

        private boolean overlaps(long from, long to) {
            return start <= to && from <= end;
        }

        private Lock range(long from, long to) {
            return new Lock(owner, file, pid, type, from, to);
        }

        @KernelFunction(value = "posix_locks_conflict", file = "fs/locks.c")
        private boolean keepsAway(Lock wanted) {
            if (!overlaps(wanted.start, wanted.end)) {
                return false;
            }
            if (wanted.type == Type.NONE) {
                return owner == wanted.owner;
            }
            return owner != wanted.owner && (type == Type.WRITE || wanted.type == Type.WRITE);
        }
    }

    /** Somebody who waits until {@code blocker} no longer keeps him from {@code wanted}. */
    public record Wait(Inode inode, Lock wanted, Lock blocker, Runnable waker) {}

    private final Map<Inode, List<Lock>> files = new LinkedHashMap<>();
    private final List<Wait> waits = new ArrayList<>();
    /** Open files whose end is watched, since they have or had locks of their own. */
    private final Set<OpenFile> watched = new HashSet<>();

    /** A lock that keeps an owner from a range, or null. */
    @KernelFunction(value = "posix_test_lock", file = "fs/locks.c")
    public synchronized Lock conflict(Inode inode, Lock wanted) {
        for (Lock lock : files.getOrDefault(inode, List.of())) {
            if (lock.keepsAway(wanted)) {
                return lock;
            }
        }
        return null;
    }

    /** Locks a range, in place of what the owner has of it. Returns null, or the lock that is in the way. */
    @KernelFunction(value = "posix_lock_inode", file = "fs/locks.c")
    public synchronized Lock set(Inode inode, Lock wanted) {
        Lock conflict = conflict(inode, wanted);
        if (conflict != null) {
            return conflict;
        }
        clear(inode, wanted.owner, wanted.start, wanted.end);
        long first = wanted.start;
        long last = wanted.end;
        List<Lock> locks = files.computeIfAbsent(inode, key -> new ArrayList<>());
        for (Iterator<Lock> it = locks.iterator(); it.hasNext(); ) {
            Lock lock = it.next();
            boolean touches = lock.end != TO_THE_END && lock.end + 1 == wanted.start
                    || wanted.end != TO_THE_END && wanted.end + 1 == lock.start;
            if (lock.owner == wanted.owner && lock.type == wanted.type && touches) {
                first = Math.min(first, lock.start);
                last = Math.max(last, lock.end);
                it.remove();
            }
        }
        insert(locks, wanted.range(first, last));
        watchEnd(inode, wanted);
        return null;
    }

    private void watchEnd(Inode inode, Lock lock) {
        if (lock.owner instanceof FdTable table) {
            table.noteRecordLocks(this);
        } else if (watched.add(lock.file)) {
            lock.file.onRelease(() -> fileGone(inode, lock.file));
        }
    }

    @KernelFunction(value = "locks_remove_file", file = "fs/locks.c")
    private synchronized void fileGone(Inode inode, OpenFile file) {
        watched.remove(file);
        clear(inode, file, 0, TO_THE_END);
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
    public synchronized void clear(Inode inode, Object owner, long start, long end) {
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
                insert(locks, lock.range(lock.start, start - 1));
            }
            if (lock.end > end) {
                insert(locks, lock.range(end + 1, lock.end));
            }
        }
        if (locks.isEmpty()) {
            files.remove(inode);
        }
        waits.forEach(wait -> wait.waker.run());
    }

    /** Notes that somebody waits. Returns false, and does not, when he would wait for himself. */
    public synchronized boolean beginWait(Wait wait) {
        if (!wait.wanted.ofOpenFile() && isCircle(wait.wanted.owner, wait.blocker)) {
            return false;
        }
        waits.add(wait);
        return true;
    }

    @KernelFunction(value = "posix_locks_deadlock", file = "fs/locks.c")
    private boolean isCircle(Object waiter, Lock blocker) {
        Lock at = blocker;
        for (int i = 0; at != null && i <= LONGEST_CHAIN; i++) {
            if (at.owner == waiter) {
                return true;
            }
            at = awaitedBy(at.owner);
        }
        return false;
    }

    @KernelFunction(value = "what_owner_is_waiting_for", file = "fs/locks.c")
    private Lock awaitedBy(Object owner) {
        for (Wait wait : waits) {
            if (wait.wanted.owner == owner) {
                return wait.blocker;
            }
        }
        return null;
    }

    public synchronized void endWait(Wait wait) {
        waits.removeIf(other -> other == wait);
    }

    /** All locks, as /proc/locks tells of them. */
    @KernelFunction(value = "locks_show", file = "fs/locks.c")
    public synchronized String table() {
        StringBuilder out = new StringBuilder();
        int id = 0;
        for (Map.Entry<Inode, List<Lock>> file : files.entrySet()) {
            for (Lock lock : file.getValue()) {
                id++;
                out.append(line(id, "", file.getKey(), lock));
                for (Wait wait : waits) {
                    if (wait.blocker.equals(lock)) {
                        out.append(line(id, "-> ", file.getKey(), wait.wanted));
                    }
                }
            }
        }
        return out.toString();
    }

    /** The locks that were set through an open file by one table, as /proc/PID/fdinfo tells of them. */
    @KernelFunction(value = "show_fd_locks", file = "fs/locks.c")
    public synchronized String of(OpenFile file, FdTable table) {
        Map<Lock, Inode> found = new LinkedHashMap<>();
        files.forEach((inode, locks) -> locks.stream()
                .filter(lock -> lock.file == file && (lock.owner == table || lock.owner == file))
                .forEach(lock -> found.put(lock, inode)));
        StringBuilder out = new StringBuilder();
        int id = 0;
        for (Map.Entry<Lock, Inode> lock : found.entrySet()) {
            out.append("lock:\t").append(line(++id, "", lock.getValue(), lock.getKey()));
        }
        return out.toString();
    }

    @KernelFunction(value = "lock_get_status", file = "fs/locks.c")
    private static String line(int id, String arrow, Inode inode, Lock lock) {
        long major = inode.dev >>> 8 & 0xfff;
        long minor = inode.dev & 0xff | inode.dev >>> 12 & 0xfff00;
        return "%d: %s%s ADVISORY  %s %d %02x:%02x:%d %d %s\n"
                .formatted(
                        id,
                        arrow,
                        lock.ofOpenFile() ? "OFDLCK" : "POSIX ",
                        lock.type,
                        lock.ofOpenFile() ? -1 : lock.pid,
                        major,
                        minor,
                        inode.ino,
                        lock.start,
                        lock.end == TO_THE_END ? "EOF" : Long.toString(lock.end));
    }
}
