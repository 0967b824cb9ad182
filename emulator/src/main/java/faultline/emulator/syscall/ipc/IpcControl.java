package faultline.emulator.syscall.ipc;

import faultline.emulator.task.Task;
import faultline.mmu.Errno;

/** One call of semctl(2), shmctl(2) or msgctl(2): what these have in common. Results are ≥ 0 or -errno. */
abstract class IpcControl<T extends IpcObject> {
    static final int IPC_RMID = 0;
    static final int IPC_SET = 1;
    static final int IPC_STAT = 2;
    static final int IPC_INFO = 3;

    /** What {@link #stat} is asked for. */
    enum Stat {
        /** The object with an id (IPC_STAT). */
        BY_ID,
        /** The object at an index, and its id as the result (SEM_STAT). */
        BY_INDEX,
        /** As {@link #BY_INDEX}, also of who may not read it (SEM_STAT_ANY). */
        BY_INDEX_ANY
    }

    final Task task;
    final IpcOwner owner;
    private final IpcTable<T> table;
    private final int words;

    /** @param words eight-byte words in the structure that {@link #stat} gives */
    IpcControl(Task task, IpcTable<T> table, int words) {
        this.task = task;
        this.table = table;
        this.words = words;
        this.owner = IpcOwner.of(task);
    }

    /**
     * Fills in what follows the permissions, of the structure that {@link #stat} gives. Caller holds the table's
     * monitor.
     */
    abstract void describeLocked(T object, long[] out);

    /** Gives the guest an object's state. */
    final long stat(int id, Stat what, long buffer) {
        long[] state = new long[words];
        long result;
        synchronized (table) {
            IpcIds<T> ids = table.idsLocked();
            T object = what == Stat.BY_ID ? ids.find(id) : ids.at(id & IpcIds.MOST_INDEX - 1);
            if (object == null) {
                return -Errno.EINVAL;
            }
            if (what != Stat.BY_INDEX_ANY && !object.allows(owner, IpcObject.S_IRUGO)) {
                return -Errno.EACCES;
            }
            object.describe(state);
            describeLocked(object, state);
            result = what == Stat.BY_ID ? 0 : object.id;
        }
        for (int i = 0; i < state.length; i++) {
            task.user().putLong(buffer + 8L * i, state[i]);
        }
        return result;
    }

    /** IPC_SET. */
    long set(int id, long buffer) {
        IpcChange change = IpcChange.read(task, buffer);
        synchronized (table) {
            T object = table.idsLocked().find(id);
            return object == null ? -Errno.EINVAL : object.change(owner, change, table.nowSeconds());
        }
    }

    /** IPC_RMID. */
    final long remove(int id) {
        synchronized (table) {
            T object = table.idsLocked().find(id);
            if (object == null) {
                return -Errno.EINVAL;
            }
            if (!object.isOwnedBy(owner)) {
                return -Errno.EPERM;
            }
            table.removeLocked(object);
            return 0;
        }
    }
}
