package faultline.emulator.syscall.ipc;

import faultline.emulator.syscall.Restart;
import faultline.emulator.task.Kernel;
import faultline.emulator.task.Sleeps;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/** The message queues of one machine. */
public final class MessageTable extends IpcTable<MessageQueue> {
    private static final int IPC_NOWAIT = 04000;
    private static final String HEADER = "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid"
            + "  cuid  cgid      stime      rtime      ctime\n";
    private static final String LINE = "%10d %10d  %4o  %10d %10d %5d %5d %5d %5d %5d %5d %10d %10d %10d\n";

    private final MessageSysctl sysctl = new MessageSysctl();

    /** An empty table of {@code kernel}'s machine. */
    public MessageTable(Kernel kernel) {
        super(kernel);
    }

    /** Limits and what else /proc/sys/kernel has of message queues. */
    public MessageSysctl sysctl() {
        return sysctl;
    }

    /** Text of /proc/sysvipc/msg. */
    @KernelFunction(value = "sysvipc_msg_proc_show", file = "ipc/msg.c")
    public synchronized String list() {
        StringBuilder out = new StringBuilder(HEADER);
        for (MessageQueue q : ids.all()) {
            out.append(LINE.formatted(
                    q.key,
                    q.id,
                    q.mode,
                    q.bytes,
                    q.messages.size(),
                    q.lastSender,
                    q.lastReceiver,
                    q.uid,
                    q.gid,
                    q.creatorUid,
                    q.creatorGid,
                    q.sendTime,
                    q.receiveTime,
                    q.changeTime));
        }
        return out.toString();
    }

    /** msgget(2). @return id or -errno */
    @KernelFunction(value = "ksys_msgget", file = "ipc/msg.c")
    synchronized long get(IpcOwner owner, int key, int flags) {
        MessageQueue found = key == 0 ? null : ids.byKey(key);
        if (found == null) {
            boolean create = key == 0 || (flags & IpcIds.IPC_CREAT) != 0;
            return create ? createLocked(owner, key, flags) : -Errno.ENOENT;
        }
        if ((flags & IpcIds.IPC_CREAT) != 0 && (flags & IpcIds.IPC_EXCL) != 0) {
            return -Errno.EEXIST;
        }
        return found.allows(owner, flags & IpcObject.MODE) ? found.id : -Errno.EACCES;
    }

    @KernelFunction(value = "newque", file = "ipc/msg.c")
    private long createLocked(IpcOwner owner, int key, int flags) {
        if (ids.count() >= sysctl.msgmni()) {
            return -Errno.ENOSPC;
        }
        int id = ids.newId(sysctl.takeNextId());
        ids.add(new MessageQueue(id, key, flags & IpcObject.MODE, sysctl.msgmnb(), owner, nowSeconds()));
        return id;
    }

    /** msgsnd(2) of a message that was read. @return 0 or -errno */
    @KernelFunction(value = "do_msgsnd", file = "ipc/msg.c")
    long send(Task task, int id, Message message, int flags) {
        IpcOwner owner = IpcOwner.of(task);
        MessageQueue queue;
        synchronized (this) {
            queue = ids.find(id);
            long result = queue == null ? -Errno.EINVAL : trySend(queue, owner, message);
            if (result != -Errno.EAGAIN || (flags & IPC_NOWAIT) != 0) {
                return result;
            }
            queue.addSender(task);
        }
        while (true) {
            task.park(Sleeps.NEVER);
            synchronized (this) {
                long result = trySend(queue, owner, message);
                if (result == -Errno.EAGAIN && task.signalPending()) {
                    result = -Restart.ERESTARTNOHAND;
                }
                if (result != -Errno.EAGAIN) {
                    queue.removeSender(task);
                    return result;
                }
            }
        }
    }

    /** Returns 0, -EAGAIN when there is no room, -EACCES, or -EIDRM for a queue that is gone. */
    private long trySend(MessageQueue queue, IpcOwner owner, Message message) {
        if (queue.removed) {
            return -Errno.EIDRM;
        }
        if (!queue.allows(owner, IpcObject.S_IWUGO)) {
            return -Errno.EACCES;
        }
        if (!queue.hasRoom(message.text().length)) {
            return -Errno.EAGAIN;
        }
        queue.send(message, owner.pid(), nowSeconds());
        return 0;
    }

    /**
     * msgrcv(2), but for giving the message to the guest.
     *
     * @param room bytes of text that the guest has room for
     * @return a receiver whose result is 0 and which has the message, or whose result is -errno
     */
    @KernelFunction(value = "do_msgrcv", file = "ipc/msg.c")
    MessageReceiver receive(Task task, int id, MessageChoice choice, long room, int flags) {
        IpcOwner owner = IpcOwner.of(task);
        long most = (flags & MessageChoice.MSG_NOERROR) != 0 ? Long.MAX_VALUE : room;
        MessageQueue queue = null;
        while (true) {
            MessageReceiver receiver = new MessageReceiver(task, choice, most);
            synchronized (this) {
                queue = queue == null ? ids.find(id) : queue;
                receiver.result = queue == null ? -Errno.EINVAL : tryReceive(queue, owner, receiver, room);
                if (receiver.result != MessageReceiver.WAITING) {
                    return receiver;
                }
                if ((flags & IPC_NOWAIT) != 0) {
                    receiver.result = -Errno.ENOMSG;
                    return receiver;
                }
                queue.addReceiver(receiver);
            }
            await(queue, receiver);
            if (receiver.result != MessageReceiver.LOOK_AGAIN) {
                return receiver;
            }
        }
    }

    private long tryReceive(MessageQueue queue, IpcOwner owner, MessageReceiver receiver, long room) {
        if (queue.removed) {
            return -Errno.EIDRM;
        }
        if (!queue.allows(owner, IpcObject.S_IRUGO)) {
            return -Errno.EACCES;
        }
        Message message = receiver.choice.find(queue.messages);
        if (message == null) {
            return MessageReceiver.WAITING;
        }
        if (message.text().length > receiver.most) {
            return -Errno.E2BIG;
        }
        if (receiver.choice.takes()) {
            queue.take(message, owner.pid(), nowSeconds());
        } else if (message.text().length > room) {
            // a copy is made in a message of that size (copy_msg)
            return -Errno.EINVAL;
        }
        receiver.message = message;
        return 0;
    }

    private void await(MessageQueue queue, MessageReceiver receiver) {
        while (receiver.result == MessageReceiver.WAITING && !receiver.task.signalPending()) {
            receiver.task.park(Sleeps.NEVER);
        }
        synchronized (this) {
            if (receiver.result == MessageReceiver.WAITING) {
                queue.removeReceiver(receiver);
                receiver.result = -Restart.ERESTARTNOHAND;
            }
        }
    }

    /** IPC_RMID: whoever waits finds it gone. */
    @Override
    @KernelFunction(value = "freeque", file = "ipc/msg.c")
    void removeLocked(MessageQueue queue) {
        ids.remove(queue);
        queue.abandon();
    }
}
