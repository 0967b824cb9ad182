package faultline.emulator.syscall.ipc;

import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedList;
import java.util.List;

/** A queue of messages, and who waits for one or for room. Guarded by the table's monitor. */
@KernelFunction("msg_queue")
final class MessageQueue extends IpcObject {
    /** The oldest first. */
    final List<Message> messages = new LinkedList<>();

    /** Bytes of all messages, without their types. */
    long bytes;
    /** Most bytes, and most messages. */
    long mostBytes;

    /** When a message was last sent, and received, in seconds since 1970; 0 for never. */
    long sendTime;

    long receiveTime;
    int lastSender;
    int lastReceiver;

    /** IPC_RMID has removed the queue: whoever waited finds it so. */
    boolean removed;

    private final List<MessageReceiver> receivers = new ArrayList<>();
    private final List<Task> senders = new ArrayList<>();

    MessageQueue(int id, int key, int mode, long mostBytes, IpcOwner owner, long now) {
        super(id, key, mode, owner, now);
        this.mostBytes = mostBytes;
    }

    /** Whether a message of that length may be added now. */
    @KernelFunction(value = "msg_fits_inqueue", file = "ipc/msg.c")
    boolean hasRoom(long length) {
        return bytes + length <= mostBytes && 1 + messages.size() <= mostBytes;
    }

    /** Adds a message, or hands it to a task that waits for it. */
    void send(Message message, int pid, long now) {
        lastSender = pid;
        sendTime = now;
        if (!handOver(message, now)) {
            messages.add(message);
            bytes += message.text().length;
        }
    }

    /** Gives a message to the first that waits for one like it; those who have no room for it are told so. */
    @KernelFunction(value = "pipelined_send", file = "ipc/msg.c")
    private boolean handOver(Message message, long now) {
        for (Iterator<MessageReceiver> it = receivers.iterator(); it.hasNext(); ) {
            MessageReceiver receiver = it.next();
            if (!receiver.choice.accepts(message.type())) {
                continue;
            }
            it.remove();
            if (message.text().length > receiver.most) {
                receiver.finish(-Errno.E2BIG);
                continue;
            }
            lastReceiver = receiver.task.pid();
            receiveTime = now;
            receiver.message = message;
            receiver.finish(0);
            return true;
        }
        return false;
    }

    /** Takes a message out, which makes room for those who wait to send. */
    void take(Message message, int pid, long now) {
        messages.remove(message);
        bytes -= message.text().length;
        lastReceiver = pid;
        receiveTime = now;
        wakeSenders();
    }

    void addReceiver(MessageReceiver receiver) {
        receivers.add(receiver);
    }

    void removeReceiver(MessageReceiver receiver) {
        receivers.remove(receiver);
    }

    void addSender(Task task) {
        senders.add(task);
    }

    void removeSender(Task task) {
        senders.remove(task);
    }

    /** Settings have changed: receivers may have lost their rights, senders may find room. */
    void settingsChanged() {
        endReceivers(MessageReceiver.LOOK_AGAIN);
        wakeSenders();
    }

    /** The queue is gone. */
    void abandon() {
        removed = true;
        endReceivers(-Errno.EIDRM);
        wakeSenders();
    }

    @KernelFunction(value = "expunge_all", file = "ipc/msg.c")
    private void endReceivers(long outcome) {
        receivers.forEach(receiver -> receiver.finish(outcome));
        receivers.clear();
    }

    @KernelFunction(value = "ss_wakeup", file = "ipc/msg.c")
    private void wakeSenders() {
        senders.forEach(Task::wake);
    }
}
