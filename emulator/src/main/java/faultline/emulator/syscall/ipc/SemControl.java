package faultline.emulator.syscall.ipc;

import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/**
 * semctl(2).
 *
 * <pre>
 *   struct semid_ds:  0 struct ipc64_perm  48 otime  64 ctime  80 nsems  (104 bytes)
 *   struct seminfo:   0 semmap  4 semmni  8 semmns  12 semmnu  16 semmsl  20 semopm  24 semume  28 semusz  32 semvmx  36 semaem
 * </pre>
 */
final class SemControl extends IpcControl<SemSet> {
    private static final int GETPID = 11;
    private static final int GETVAL = 12;
    private static final int GETALL = 13;
    private static final int GETNCNT = 14;
    private static final int GETZCNT = 15;
    private static final int SETVAL = 16;
    private static final int SETALL = 17;
    private static final int SEM_STAT = 18;
    private static final int SEM_INFO = 19;
    private static final int SEM_STAT_ANY = 20;

    private static final int DS_SIZE = 104;
    /** What a program is told of limits that the kernel has not (SEMMNU and SEMMAP, SEMUME, SEMUSZ). */
    private static final int SEMMNU = 1_024_000_000;

    private static final int SEMUME = 500;
    private static final int SEMUSZ = 20;

    private final SemTable table;

    private SemControl(Task task) {
        super(task, task.kernel().sem(), DS_SIZE / 8);
        this.table = task.kernel().sem();
    }

    @KernelFunction(value = "ksys_semctl", file = "ipc/sem.c")
    static long run(Task task, int id, int number, int command, long argument) {
        if (id < 0) {
            return -Errno.EINVAL;
        }
        SemControl control = new SemControl(task);
        return switch (command) {
            case IPC_INFO, SEM_INFO -> control.info(argument, command == SEM_INFO);
            case IPC_STAT -> control.stat(id, Stat.BY_ID, argument);
            case SEM_STAT -> control.stat(id, Stat.BY_INDEX, argument);
            case SEM_STAT_ANY -> control.stat(id, Stat.BY_INDEX_ANY, argument);
            case GETALL -> control.getAll(id, argument);
            case SETALL -> control.setAll(id, argument);
            case GETPID, GETVAL, GETNCNT, GETZCNT -> control.get(id, number, command);
            case SETVAL -> control.setValue(id, number, (int) argument);
            case IPC_SET -> control.set(id, argument);
            case IPC_RMID -> control.remove(id);
            default -> -Errno.EINVAL;
        };
    }

    @KernelFunction(value = "semctl_info", file = "ipc/sem.c")
    private long info(long buffer, boolean usage) {
        int[] info;
        long highest;
        synchronized (table) {
            SemSysctl sysctl = table.sysctl();
            info = new int[] {
                SEMMNU,
                sysctl.semmni,
                sysctl.semmns,
                SEMMNU,
                sysctl.semmsl,
                sysctl.semopm,
                SEMUME,
                usage ? table.idsLocked().count() : SEMUSZ,
                SemSet.SEMVMX,
                usage ? table.semaphoresLocked() : SemSet.SEMVMX
            };
            highest = table.idsLocked().highest();
        }
        for (int i = 0; i < info.length; i++) {
            task.user().putInt(buffer + 4L * i, info[i]);
        }
        return highest;
    }

    @Override
    @KernelFunction(value = "semctl_stat", file = "ipc/sem.c")
    void describeLocked(SemSet s, long[] out) {
        out[6] = s.operationTime;
        out[8] = s.changeTime;
        out[10] = s.values.length;
    }

    private long getAll(int id, long array) {
        int[] values;
        synchronized (table) {
            SemSet s = table.idsLocked().find(id);
            if (s == null) {
                return -Errno.EINVAL;
            }
            if (!s.allows(owner, IpcObject.S_IRUGO)) {
                return -Errno.EACCES;
            }
            values = s.values.clone();
        }
        for (int i = 0; i < values.length; i++) {
            task.user().putShort(array + 2L * i, (short) values[i]);
        }
        return 0;
    }

    private long setAll(int id, long array) {
        int count;
        synchronized (table) {
            SemSet s = table.idsLocked().find(id);
            if (s == null) {
                return -Errno.EINVAL;
            }
            if (!s.allows(owner, IpcObject.S_IWUGO)) {
                return -Errno.EACCES;
            }
            count = s.values.length;
        }
        int[] values = new int[count];
        for (int i = 0; i < count; i++) {
            values[i] = Short.toUnsignedInt(task.user().getShort(array + 2L * i));
        }
        for (int value : values) {
            if (value > SemSet.SEMVMX) {
                return -Errno.ERANGE;
            }
        }
        synchronized (table) {
            SemSet s = table.idsLocked().find(id);
            if (s == null) {
                return -Errno.EIDRM;
            }
            for (int i = 0; i < count; i++) {
                s.assign(i, values[i], task.pid());
            }
            s.changeTime = table.nowSeconds();
            s.update(s.changeTime);
        }
        return 0;
    }

    private long get(int id, int number, int command) {
        synchronized (table) {
            SemSet s = table.idsLocked().find(id);
            if (s == null) {
                return -Errno.EINVAL;
            }
            if (!s.allows(owner, IpcObject.S_IRUGO)) {
                return -Errno.EACCES;
            }
            if (number < 0 || number >= s.values.length) {
                return -Errno.EINVAL;
            }
            return switch (command) {
                case GETVAL -> s.values[number];
                case GETPID -> s.pids[number];
                default -> s.waiters(number, command == GETZCNT);
            };
        }
    }

    @KernelFunction(value = "semctl_setval", file = "ipc/sem.c")
    private long setValue(int id, int number, int value) {
        if (value < 0 || value > SemSet.SEMVMX) {
            return -Errno.ERANGE;
        }
        synchronized (table) {
            SemSet s = table.idsLocked().find(id);
            if (s == null || number < 0 || number >= s.values.length) {
                return -Errno.EINVAL;
            }
            if (!s.allows(owner, IpcObject.S_IWUGO)) {
                return -Errno.EACCES;
            }
            s.assign(number, value, task.pid());
            s.changeTime = table.nowSeconds();
            s.update(s.changeTime);
            return 0;
        }
    }
}
