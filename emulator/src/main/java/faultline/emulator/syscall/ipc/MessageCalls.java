package faultline.emulator.syscall.ipc;

import faultline.emulator.host.Nr;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/** msgget, msgsnd, msgrcv, msgctl. */
public final class MessageCalls implements SyscallFamily {
    private static final int IPC_NOWAIT = 04000;

    @Override
    public void register(SyscallTable table) {
        table.register(
                Nr.MSGGET,
                "msgget",
                (task, key, flags, a2, a3, a4, a5) ->
                        task.kernel().messages().get(IpcOwner.of(task), (int) key, (int) flags));
        table.register(
                Nr.MSGSND,
                "msgsnd",
                (task, id, buffer, size, flags, a4, a5) -> send(task, (int) id, buffer, size, (int) flags));
        table.register(
                Nr.MSGRCV,
                "msgrcv",
                (task, id, buffer, size, type, flags, a5) -> receive(task, (int) id, buffer, size, type, (int) flags));
        table.register(
                Nr.MSGCTL,
                "msgctl",
                (task, id, command, buffer, a3, a4, a5) -> MessageControl.run(task, (int) id, (int) command, buffer));
    }

    @KernelFunction(value = "ksys_msgsnd", file = "ipc/msg.c")
    private static long send(Task task, int id, long buffer, long size, int flags) {
        MessageTable table = task.kernel().messages();
        long type = task.user().getLong(buffer);
        if (size < 0 || size > table.sysctl().msgmax() || id < 0 || type < 1) {
            return -Errno.EINVAL;
        }
        byte[] text = new byte[(int) size];
        task.user().read(buffer + Message.TYPE_BYTES, text, 0, text.length);
        return table.send(task, id, new Message(type, text), flags);
    }

    @KernelFunction(value = "ksys_msgrcv", file = "ipc/msg.c")
    private static long receive(Task task, int id, long buffer, long size, long type, int flags) {
        if (id < 0 || size < 0) {
            return -Errno.EINVAL;
        }
        boolean copies = (flags & MessageChoice.MSG_COPY) != 0;
        if (copies && ((flags & MessageChoice.MSG_EXCEPT) != 0 || (flags & IPC_NOWAIT) == 0)) {
            return -Errno.EINVAL;
        }
        MessageTable table = task.kernel().messages();
        MessageReceiver received = table.receive(task, id, MessageChoice.of(type, flags), size, flags);
        if (received.result != 0) {
            return received.result;
        }
        Message message = received.message;
        int length = (int) Math.min(size, message.text().length);
        task.user().putLong(buffer, message.type());
        task.user().write(buffer + Message.TYPE_BYTES, message.text(), 0, length);
        return length;
    }
}
