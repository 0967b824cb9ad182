package faultline.emulator.syscall.mqueue;

import faultline.emulator.host.OpenFlags;
import faultline.emulator.task.Credentials;
import faultline.emulator.task.Rlimits;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.util.HashMap;
import java.util.Map;

/**
 * The POSIX message queues of a machine, by name. A queue lives as long as it has a name or is open. The monitor guards
 * names, numbers of users and what each user has.
 */
public final class MqueueTable implements AutoCloseable {
    private static final int NAME_MAX = 255;
    /** What the kernel counts for each message and each priority, besides the text. */
    private static final long MESSAGE_COST = 48;

    private static final long PRIORITY_COST = 48;
    private static final int PRIORITIES = 32768;

    /** A queue, how many open files and names it has, and whose limit it counts for. */
    private static final class Entry {
        final Mqueue queue;
        final long cost;
        int users = 1;

        Entry(Mqueue queue, long cost) {
            this.queue = queue;
            this.cost = cost;
        }
    }

    private final MqueueSysctl sysctl = new MqueueSysctl();
    private final Map<String, Entry> names = new HashMap<>();
    private final Map<Mqueue, Entry> entries = new HashMap<>();
    /** Bytes of each user's queues (RLIMIT_MSGQUEUE). */
    private final Map<Integer, Long> costs = new HashMap<>();

    public MqueueSysctl sysctl() {
        return sysctl;
    }

    /**
     * What mq_open(3) gives.
     *
     * @param flags O_ACCMODE, O_CREAT, O_EXCL, O_NONBLOCK
     * @param mode permission bits of a new queue, less the umask
     * @param wanted most messages and most bytes of one, of a new queue; null for what is usual
     * @param error where -errno goes
     * @return null for an error
     */
    @KernelFunction(value = "do_mq_open", file = "ipc/mqueue.c")
    synchronized MqueueFile open(Task task, String name, int flags, int mode, long[] wanted, long[] error) {
        error[0] = checkName(name);
        Entry entry = names.get(name);
        if (error[0] == 0) {
            error[0] = entry == null ? checkNew(task, flags, wanted) : checkOpen(task, entry.queue, flags);
        }
        if (error[0] != 0) {
            return null;
        }
        if (entry == null) {
            entry = make(task, mode, wanted, error);
            if (entry == null) {
                return null;
            }
            names.put(name, entry);
        }
        long fd = entry.queue.readiness().duplicate();
        if (fd < 0) {
            error[0] = fd;
            return null;
        }
        entry.users++;
        return new MqueueFile(this, name, entry.queue, (int) fd, flags);
    }

    @KernelFunction(value = "lookup_noperm_common", file = "fs/namei.c")
    private static long checkName(String name) {
        if (name.isEmpty()) {
            return -Errno.ENOENT;
        }
        if (name.equals(".") || name.equals("..") || name.contains("/")) {
            return -Errno.EACCES;
        }
        return name.length() > NAME_MAX ? -Errno.ENAMETOOLONG : 0;
    }

    @KernelFunction(value = "prepare_open", file = "ipc/mqueue.c")
    private static long checkOpen(Task task, Mqueue queue, int flags) {
        if ((flags & OpenFlags.O_CREAT) != 0 && (flags & OpenFlags.O_EXCL) != 0) {
            return -Errno.EEXIST;
        }
        int access = flags & OpenFlags.O_ACCMODE;
        if (access == OpenFlags.O_ACCMODE) {
            return -Errno.EINVAL;
        }
        Credentials ids = task.credentials();
        boolean receive = access != OpenFlags.O_WRONLY;
        boolean send = access != OpenFlags.O_RDONLY;
        return queue.allows(ids.effective(), ids.group(), receive, send) ? 0 : -Errno.EACCES;
    }

    private long checkNew(Task task, int flags, long[] wanted) {
        if ((flags & OpenFlags.O_CREAT) == 0) {
            return -Errno.ENOENT;
        }
        boolean root = task.credentials().effective() == 0;
        if (entries.size() >= sysctl.mostQueues() && !root) {
            return -Errno.ENOSPC;
        }
        if (wanted == null) {
            return 0;
        }
        long mostMessages = root ? MqueueSysctl.HARD_MESSAGES : sysctl.mostMessages();
        long mostBytes = root ? MqueueSysctl.HARD_BYTES : sysctl.mostBytes();
        boolean valid = wanted[0] > 0 && wanted[1] > 0 && wanted[0] <= mostMessages && wanted[1] <= mostBytes;
        return valid ? 0 : -Errno.EINVAL;
    }

    @KernelFunction(value = "mqueue_get_inode", file = "ipc/mqueue.c")
    private Entry make(Task task, int mode, long[] wanted, long[] error) {
        long messages = wanted == null ? sysctl.defaultMessages() : wanted[0];
        long bytes = wanted == null ? sysctl.defaultBytes() : wanted[1];
        long cost = messages * (bytes + MESSAGE_COST) + Math.min(messages, PRIORITIES) * PRIORITY_COST;
        Credentials ids = task.credentials();
        long limit = task.process().rlimits().soft(Rlimits.MSGQUEUE);
        long all = costs.getOrDefault(ids.real(), 0L) + cost;
        MqueueReadiness readiness = null;
        if (limit == Rlimits.INFINITY || Long.compareUnsigned(all, limit) <= 0) {
            readiness = MqueueReadiness.create();
        }
        if (readiness == null) {
            error[0] = -Errno.EMFILE;
            return null;
        }
        Mqueue queue = new Mqueue(ids, mode, messages, bytes, readiness);
        costs.put(ids.real(), all);
        Entry entry = new Entry(queue, cost);
        entries.put(queue, entry);
        return entry;
    }

    /** mq_unlink(3): the name is free at once. Returns 0 or -errno. */
    @KernelFunction(value = "mq_unlink", file = "ipc/mqueue.c")
    synchronized long unlink(Task task, String name) {
        long error = checkName(name);
        Entry entry = names.get(name);
        if (error != 0 || entry == null) {
            return error != 0 ? error : -Errno.ENOENT;
        }
        int user = task.credentials().effective();
        if (user != 0 && user != entry.queue.uid) {
            return -Errno.EPERM;
        }
        names.remove(name);
        drop(entry);
        return 0;
    }

    /** An open file of a queue is gone. */
    synchronized void closed(Mqueue queue) {
        drop(entries.get(queue));
    }

    private void drop(Entry entry) {
        entry.users--;
        if (entry.users == 0) {
            entries.remove(entry.queue);
            costs.merge(entry.queue.realUid, -entry.cost, Long::sum);
            entry.queue.readiness().close();
        }
    }

    /** Of queues that are never unlinked the names go with the machine. No task is left. */
    @Override
    public synchronized void close() {
        names.values().forEach(this::drop);
        names.clear();
    }
}
