package faultline.emulator.syscall.ipc;

import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/**
 * msgctl(2).
 *
 * <pre>
 *   struct msqid_ds:  0 struct ipc64_perm  48 stime  56 rtime  64 ctime  72 cbytes  80 qnum  88 qbytes  96 lspid
 *                     100 lrpid  (120 bytes)
 *   struct msginfo:   0 msgpool  4 msgmap  8 msgmax  12 msgmnb  16 msgmni  20 msgssz  24 msgtql  28 msgseg (short)
 * </pre>
 */
final class MessageControl {
    private static final int IPC_RMID = 0;
    private static final int IPC_SET = 1;
    private static final int IPC_STAT = 2;
    private static final int IPC_INFO = 3;
    private static final int MSG_STAT = 11;
    private static final int MSG_INFO = 12;
    private static final int MSG_STAT_ANY = 13;

    private static final int DS_SIZE = 120;
    private static final int DS_QBYTES = 88;
    /** What a program is told of limits that the kernel has not (MSGPOOL, MSGMAP and MSGTQL, MSGSSZ, MSGSEG). */
    private static final int MSGPOOL = 512_000;

    private static final int MSGMAP = 16384;
    private static final int MSGSSZ = 16;
    private static final int MSGSEG = 0xffff;

    private final Task task;
    private final MessageTable table;
    private final IpcOwner owner;

    private MessageControl(Task task) {
        this.task = task;
        this.table = task.kernel().messages();
        this.owner = IpcOwner.of(task);
    }

    @KernelFunction(value = "ksys_msgctl", file = "ipc/msg.c")
    static long run(Task task, int id, int command, long buffer) {
        if (id < 0 || command < 0) {
            return -Errno.EINVAL;
        }
        MessageControl control = new MessageControl(task);
        return switch (command) {
            case IPC_INFO, MSG_INFO -> control.info(buffer, command == MSG_INFO);
            case IPC_STAT, MSG_STAT, MSG_STAT_ANY -> control.stat(id, command, buffer);
            case IPC_SET -> control.set(id, buffer);
            case IPC_RMID -> control.remove(id);
            default -> -Errno.EINVAL;
        };
    }

    @KernelFunction(value = "msgctl_info", file = "ipc/msg.c")
    private long info(long buffer, boolean usage) {
        int queues;
        int messages = 0;
        long bytes = 0;
        long highest;
        synchronized (table) {
            queues = table.idsLocked().count();
            for (MessageQueue q : table.idsLocked().all()) {
                messages += q.messages.size();
                bytes += q.bytes;
            }
            highest = table.idsLocked().highest();
        }
        MessageSysctl sysctl = table.sysctl();
        int[] info = {
            usage ? queues : MSGPOOL,
            usage ? messages : MSGMAP,
            sysctl.msgmax(),
            sysctl.msgmnb(),
            sysctl.msgmni(),
            MSGSSZ,
            usage ? (int) Math.min(bytes, Integer.MAX_VALUE) : MSGMAP,
            MSGSEG
        };
        for (int i = 0; i < info.length; i++) {
            task.user().putInt(buffer + 4L * i, info[i]);
        }
        return highest;
    }

    @KernelFunction(value = "msgctl_stat", file = "ipc/msg.c")
    private long stat(int id, int command, long buffer) {
        long[] words = new long[DS_SIZE / 8];
        long result;
        synchronized (table) {
            MessageQueue q = command == IPC_STAT
                    ? table.idsLocked().find(id)
                    : table.idsLocked().at(id & IpcIds.MOST_INDEX - 1);
            if (q == null) {
                return -Errno.EINVAL;
            }
            if (command != MSG_STAT_ANY && !q.allows(owner, IpcObject.S_IRUGO)) {
                return -Errno.EACCES;
            }
            q.describe(words);
            words[6] = q.sendTime;
            words[7] = q.receiveTime;
            words[8] = q.changeTime;
            words[9] = q.bytes;
            words[10] = q.messages.size();
            words[11] = q.mostBytes;
            words[12] = IpcObject.pair(q.lastSender, q.lastReceiver);
            result = command == IPC_STAT ? 0 : q.id;
        }
        for (int i = 0; i < words.length; i++) {
            task.user().putLong(buffer + 8L * i, words[i]);
        }
        return result;
    }

    private long set(int id, long buffer) {
        IpcChange change = IpcChange.read(task, buffer);
        long mostBytes = task.user().getLong(buffer + DS_QBYTES);
        synchronized (table) {
            MessageQueue q = table.idsLocked().find(id);
            if (q == null) {
                return -Errno.EINVAL;
            }
            boolean more = Long.compareUnsigned(mostBytes, table.sysctl().msgmnb()) > 0;
            if (!q.isOwnedBy(owner) || more && !owner.isRoot()) {
                return -Errno.EPERM;
            }
            long result = q.change(owner, change, table.nowSeconds());
            if (result == 0) {
                q.mostBytes = mostBytes;
                q.settingsChanged();
            }
            return result;
        }
    }

    private long remove(int id) {
        synchronized (table) {
            MessageQueue q = table.idsLocked().find(id);
            if (q == null) {
                return -Errno.EINVAL;
            }
            if (!q.isOwnedBy(owner)) {
                return -Errno.EPERM;
            }
            table.removeLocked(q);
            return 0;
        }
    }
}
