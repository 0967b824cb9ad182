package faultline.emulator.syscall.ipc;

import faultline.emulator.task.Kernel;
import faultline.emulator.task.KernelClock;
import faultline.emulator.task.Sleeps;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/** The sets of semaphores of one machine. */
public final class SemTable extends IpcTable<SemSet> {
    private static final String HEADER =
            "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n";
    private static final String LINE = "%10d %10d  %4o %10d %5d %5d %5d %5d %10d %10d\n";

    private final SemSysctl sysctl = new SemSysctl(this);
    private int semaphores;

    /** An empty table of {@code kernel}'s machine. */
    public SemTable(Kernel kernel) {
        super(kernel);
    }

    /** Limits and what else /proc/sys/kernel has of semaphores. */
    public SemSysctl sysctl() {
        return sysctl;
    }

    /** Text of /proc/sysvipc/sem. */
    @KernelFunction(value = "sysvipc_sem_proc_show", file = "ipc/sem.c")
    public synchronized String list() {
        StringBuilder out = new StringBuilder(HEADER);
        for (SemSet s : ids.all()) {
            out.append(LINE.formatted(
                    s.key,
                    s.id,
                    s.mode,
                    s.values.length,
                    s.uid,
                    s.gid,
                    s.creatorUid,
                    s.creatorGid,
                    s.operationTime,
                    s.changeTime));
        }
        return out.toString();
    }

    /** semget(2). @return id or -errno */
    @KernelFunction(value = "ksys_semget", file = "ipc/sem.c")
    synchronized long get(IpcOwner owner, int key, int count, int flags) {
        if (count < 0 || count > sysctl.semmsl) {
            return -Errno.EINVAL;
        }
        SemSet found = key == 0 ? null : ids.byKey(key);
        if (found == null) {
            boolean create = key == 0 || (flags & IpcIds.IPC_CREAT) != 0;
            return create ? createLocked(owner, key, count, flags) : -Errno.ENOENT;
        }
        if ((flags & IpcIds.IPC_CREAT) != 0 && (flags & IpcIds.IPC_EXCL) != 0) {
            return -Errno.EEXIST;
        }
        if (count > found.values.length) {
            return -Errno.EINVAL;
        }
        return found.allows(owner, flags & IpcObject.MODE) ? found.id : -Errno.EACCES;
    }

    @KernelFunction(value = "newary", file = "ipc/sem.c")
    private long createLocked(IpcOwner owner, int key, int count, int flags) {
        if (count == 0) {
            return -Errno.EINVAL;
        }
        if ((long) semaphores + count > sysctl.semmns || ids.count() >= sysctl.semmni) {
            return -Errno.ENOSPC;
        }
        int id = ids.newId(sysctl.takeNextId());
        ids.add(new SemSet(id, key, flags & IpcObject.MODE, count, owner, nowSeconds()));
        semaphores += count;
        return id;
    }

    /**
     * semop(2) with operations that were read.
     *
     * @param deadline of the monotonic clock, or {@link Sleeps#NEVER}
     * @return 0 or -errno
     */
    @KernelFunction(value = "__do_semtimedop", file = "ipc/sem.c")
    long operate(Task task, int id, SemOperation[] operations, long deadline) {
        SemWaiter waiter = new SemWaiter(task, operations);
        SemSet set;
        synchronized (this) {
            set = ids.find(id);
            if (set == null) {
                return -Errno.EINVAL;
            }
            for (SemOperation operation : operations) {
                if (operation.number() >= set.values.length) {
                    return -Errno.EFBIG;
                }
            }
            if (!set.allows(IpcOwner.of(task), waiter.alters ? IpcObject.S_IWUGO : IpcObject.S_IRUGO)) {
                return -Errno.EACCES;
            }
            long result = set.tryOperate(waiter);
            if (result == 0) {
                set.operationTime = nowSeconds();
                if (waiter.alters) {
                    set.update(nowSeconds());
                }
            }
            if (result != SemWaiter.PENDING) {
                return result;
            }
            set.enqueue(waiter);
        }
        return await(set, waiter, deadline);
    }

    private long await(SemSet set, SemWaiter waiter, long deadline) {
        boolean inTime = true;
        while (waiter.result == SemWaiter.PENDING && inTime && !waiter.task.signalPending()) {
            long left = Sleeps.left(waiter.task, KernelClock.MONOTONIC, deadline);
            inTime = left > 0;
            if (inTime) {
                waiter.task.park(left);
            }
        }
        synchronized (this) {
            if (waiter.result == SemWaiter.PENDING) {
                set.dequeue(waiter);
                return inTime ? -Errno.EINTR : -Errno.EAGAIN;
            }
            return waiter.result;
        }
    }

    /** Number of semaphores of all sets. */
    int semaphoresLocked() {
        return semaphores;
    }

    /** IPC_RMID: whoever waits finds it gone. */
    @Override
    @KernelFunction(value = "freeary", file = "ipc/sem.c")
    void removeLocked(SemSet set) {
        ids.remove(set);
        semaphores -= set.values.length;
        set.abandon();
    }

    /** A process ends: what its threads did with SEM_UNDO is taken back. */
    public synchronized void exit(int pid) {
        for (SemSet set : ids.all()) {
            set.undo(pid, nowSeconds());
        }
    }
}
