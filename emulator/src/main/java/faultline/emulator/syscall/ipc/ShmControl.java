package faultline.emulator.syscall.ipc;

import faultline.emulator.task.Rlimits;
import faultline.emulator.task.Task;
import faultline.emulator.task.TaskMemory;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/**
 * shmctl(2).
 *
 * <pre>
 *   struct shmid_ds:   0 key  4 uid  8 gid  12 cuid  16 cgid  20 mode  24 seq  48 segsz
 *                      56 atime  64 dtime  72 ctime  80 cpid  84 lpid  88 nattch  (112 bytes)
 * </pre>
 */
final class ShmControl extends IpcControl<ShmSegment> {
    private static final int SHM_LOCK = 11;
    private static final int SHM_UNLOCK = 12;
    private static final int SHM_STAT = 13;
    private static final int SHM_INFO = 14;
    private static final int SHM_STAT_ANY = 15;

    private static final int DS_SIZE = 112;
    private static final int INFO_SIZE = 72;
    private static final int SHM_INFO_SIZE = 48;

    private final ShmTable table;

    private ShmControl(Task task, ShmTable table) {
        super(task, table, DS_SIZE / 8);
        this.table = table;
    }

    @KernelFunction(value = "ksys_shmctl", file = "ipc/shm.c")
    static long run(Task task, ShmTable table, int id, int command, long buffer) {
        if (command < 0 || id < 0) {
            return -Errno.EINVAL;
        }
        ShmControl control = new ShmControl(task, table);
        return switch (command) {
            case IPC_INFO -> control.limits(buffer);
            case SHM_INFO -> control.usage(buffer);
            case IPC_STAT -> control.stat(id, Stat.BY_ID, buffer);
            case SHM_STAT -> control.stat(id, Stat.BY_INDEX, buffer);
            case SHM_STAT_ANY -> control.stat(id, Stat.BY_INDEX_ANY, buffer);
            case IPC_SET -> control.set(id, buffer);
            case IPC_RMID -> control.remove(id);
            case SHM_LOCK, SHM_UNLOCK -> control.lock(id, command == SHM_LOCK);
            default -> -Errno.EINVAL;
        };
    }

    private long limits(long buffer) {
        TaskMemory user = task.user();
        user.clear(buffer, INFO_SIZE);
        ShmSysctl sysctl = table.sysctl();
        user.putLong(buffer, sysctl.shmmax);
        user.putLong(buffer + 8, ShmTable.SHMMIN);
        user.putLong(buffer + 16, sysctl.shmmni);
        user.putLong(buffer + 24, sysctl.shmmni);
        user.putLong(buffer + 32, sysctl.shmall);
        synchronized (table) {
            return table.idsLocked().highest();
        }
    }

    private long usage(long buffer) {
        long count;
        long total;
        long resident;
        long swapped;
        long highest;
        synchronized (table) {
            count = table.idsLocked().count();
            total = table.totalPagesLocked();
            resident = table.residentLocked();
            swapped = table.swappedLocked();
            highest = table.idsLocked().highest();
        }
        TaskMemory user = task.user();
        user.clear(buffer, SHM_INFO_SIZE);
        user.putInt(buffer, (int) count);
        user.putLong(buffer + 8, total);
        user.putLong(buffer + 16, resident);
        user.putLong(buffer + 24, swapped);
        return highest;
    }

    @Override
    @KernelFunction(value = "shmctl_stat", file = "ipc/shm.c")
    void describeLocked(ShmSegment s, long[] out) {
        out[6] = s.size;
        out[7] = s.attachTime;
        out[8] = s.detachTime;
        out[9] = s.changeTime;
        out[10] = IpcObject.pair(s.creatorPid, s.lastPid);
        out[11] = s.attached;
    }

    /** Segments' pages are never reclaimed here; what a program sees of locking is its rights and the mode bit. */
    private long lock(int id, boolean lock) {
        synchronized (table) {
            ShmSegment s = table.idsLocked().find(id);
            if (s == null) {
                return -Errno.EINVAL;
            }
            if (!owner.isRoot()) {
                if (owner.uid() != s.uid && owner.uid() != s.creatorUid) {
                    return -Errno.EPERM;
                }
                if (lock && task.process().rlimits().soft(Rlimits.MEMLOCK) == 0) {
                    return -Errno.EPERM;
                }
            }
            s.mode = lock ? s.mode | ShmTable.LOCKED : s.mode & ~ShmTable.LOCKED;
            return 0;
        }
    }
}
