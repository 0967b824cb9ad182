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
final class MessageControl extends IpcControl<MessageQueue> {
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

    private final MessageTable table;

    private MessageControl(Task task) {
        super(task, task.kernel().messages(), DS_SIZE / 8);
        this.table = task.kernel().messages();
    }

    @KernelFunction(value = "ksys_msgctl", file = "ipc/msg.c")
    static long run(Task task, int id, int command, long buffer) {
        if (id < 0 || command < 0) {
            return -Errno.EINVAL;
        }
        MessageControl control = new MessageControl(task);
        return switch (command) {
            case IPC_INFO, MSG_INFO -> control.info(buffer, command == MSG_INFO);
            case IPC_STAT -> control.stat(id, Stat.BY_ID, buffer);
            case MSG_STAT -> control.stat(id, Stat.BY_INDEX, buffer);
            case MSG_STAT_ANY -> control.stat(id, Stat.BY_INDEX_ANY, buffer);
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

    @Override
    @KernelFunction(value = "msgctl_stat", file = "ipc/msg.c")
    void describeLocked(MessageQueue q, long[] out) {
        out[6] = q.sendTime;
        out[7] = q.receiveTime;
        out[8] = q.changeTime;
        out[9] = q.bytes;
        out[10] = q.messages.size();
        out[11] = q.mostBytes;
        out[12] = IpcObject.pair(q.lastSender, q.lastReceiver);
    }

    @Override
    long set(int id, long buffer) {
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
}
