package faultline.emulator.syscall.mqueue;

import faultline.emulator.fs.FdTable;
import faultline.emulator.signal.SigInfo;
import faultline.emulator.signal.SignalSender;
import faultline.emulator.syscall.Restart;
import faultline.emulator.task.Credentials;
import faultline.emulator.task.KernelClock;
import faultline.emulator.task.Process;
import faultline.emulator.task.Sleeps;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** A queue of messages, who waits for one or for room, and who is to be told. The monitor guards everything. */
@KernelFunction("mqueue_inode_info")
final class Mqueue {
    private static final int READ = 4;
    private static final int WRITE = 2;

    final int uid;
    final int gid;
    /** Whose RLIMIT_MSGQUEUE it counts for. */
    final int realUid;
    /** Permission bits. */
    final int mode;

    final long mostMessages;
    final long mostBytes;

    /** The highest priority first, of equal ones the oldest. */
    private final List<MqueueMessage> messages = new ArrayList<>();

    private final Deque<MqueueWaiter> receivers = new ArrayDeque<>();
    private final Deque<MqueueWaiter> senders = new ArrayDeque<>();
    private final MqueueReadiness readiness;
    private MqueueNotification notification;
    private long bytes;

    Mqueue(Credentials maker, int mode, long mostMessages, long mostBytes, MqueueReadiness readiness) {
        uid = maker.effective();
        gid = maker.group();
        realUid = maker.real();
        this.mode = mode;
        this.mostMessages = mostMessages;
        this.mostBytes = mostBytes;
        this.readiness = readiness;
    }

    MqueueReadiness readiness() {
        return readiness;
    }

    /** Whether somebody may open it to receive, or to send. */
    @KernelFunction(value = "inode_permission", file = "fs/namei.c")
    boolean allows(int euid, int egid, boolean receive, boolean send) {
        int wanted = (receive ? READ : 0) | (send ? WRITE : 0);
        int granted = euid == uid ? mode >> 6 : egid == gid ? mode >> 3 : mode;
        return euid == 0 || (wanted & ~granted) == 0;
    }

    synchronized int size() {
        return messages.size();
    }

    /**
     * Sends a message.
     *
     * @param deadline of CLOCK_REALTIME, in nanoseconds; {@link Sleeps#NEVER} for none
     * @return 0 or -errno
     */
    @KernelFunction(value = "do_mq_timedsend", file = "ipc/mqueue.c")
    long send(Task task, MqueueMessage message, boolean waits, long deadline) {
        MqueueWaiter waiter;
        synchronized (this) {
            if (messages.size() < mostMessages) {
                return sendNow(task, message);
            }
            if (!waits) {
                return -Errno.EAGAIN;
            }
            waiter = new MqueueWaiter(task, message);
            senders.add(waiter);
        }
        return await(waiter, senders, deadline);
    }

    private long sendNow(Task task, MqueueMessage message) {
        MqueueWaiter receiver = receivers.poll();
        if (receiver != null) {
            receiver.message = message;
            receiver.finish();
            return 0;
        }
        insert(message);
        if (messages.size() == 1 && notification != null) {
            MqueueNotification told = notification;
            notification = null;
            tell(told, task);
        }
        return 0;
    }

    private void insert(MqueueMessage message) {
        int at = messages.size();
        while (at > 0 && messages.get(at - 1).priority() < message.priority()) {
            at--;
        }
        messages.add(at, message);
        bytes += message.text().length;
        readiness.show(messages.size(), mostMessages);
    }

    /**
     * Receives a message.
     *
     * @return null for none; then {@code error[0]} says why
     */
    @KernelFunction(value = "do_mq_timedreceive", file = "ipc/mqueue.c")
    MqueueMessage receive(Task task, boolean waits, long deadline, long[] error) {
        MqueueWaiter waiter;
        synchronized (this) {
            if (!messages.isEmpty()) {
                return take();
            }
            if (!waits) {
                error[0] = -Errno.EAGAIN;
                return null;
            }
            waiter = new MqueueWaiter(task, null);
            receivers.add(waiter);
        }
        error[0] = await(waiter, receivers, deadline);
        return error[0] == 0 ? waiter.message : null;
    }

    private MqueueMessage take() {
        MqueueMessage message = messages.removeFirst();
        bytes -= message.text().length;
        MqueueWaiter sender = senders.poll();
        if (sender != null) {
            insert(sender.message);
            sender.finish();
        }
        readiness.show(messages.size(), mostMessages);
        return message;
    }

    @KernelFunction(value = "wq_sleep", file = "ipc/mqueue.c")
    private long await(MqueueWaiter waiter, Deque<MqueueWaiter> queue, long deadline) {
        while (!waiter.done) {
            long left = Sleeps.left(waiter.task, KernelClock.REALTIME, deadline);
            if (left > 0 && !waiter.task.signalPending()) {
                waiter.task.park(left);
                continue;
            }
            synchronized (this) {
                if (!waiter.done) {
                    queue.remove(waiter);
                    return left <= 0 ? -Errno.ETIMEDOUT : -Restart.ERESTARTSYS;
                }
            }
        }
        return 0;
    }

    /** Asks to be told, or takes that back (null). Returns 0 or -EBUSY. */
    @KernelFunction(value = "do_mq_notify", file = "ipc/mqueue.c")
    synchronized long notify(Process asker, MqueueNotification wanted) {
        if (wanted != null && notification != null) {
            return -Errno.EBUSY;
        }
        if (wanted != null) {
            long error = wanted.thread() == null ? 0 : wanted.thread().arm();
            notification = error == 0 ? wanted : null;
            return error;
        }
        if (notification != null && notification.owner() == asker) {
            removeNotification();
        }
        return 0;
    }

    @KernelFunction(value = "remove_notification", file = "ipc/mqueue.c")
    private void removeNotification() {
        if (notification.thread() != null) {
            notification.thread().remove();
        }
        notification = null;
    }

    /** A descriptor of the queue is closed: its process is told no longer. */
    @KernelFunction(value = "mqueue_flush_file", file = "ipc/mqueue.c")
    synchronized void flush(FdTable closer) {
        if (notification != null && notification.files() == closer) {
            removeNotification();
        }
    }

    @KernelFunction(value = "__do_notify", file = "ipc/mqueue.c")
    private static void tell(MqueueNotification told, Task sender) {
        if (told.thread() != null) {
            told.thread().wake();
            return;
        }
        Process owner = told.owner();
        boolean signals = told.kind() == MqueueNotification.SIGEV_SIGNAL && told.signal() != 0;
        if (signals && !owner.zombie()) {
            int uid = sender.credentials().real();
            SignalSender.sendToProcess(owner, SigInfo.message(told.signal(), sender.pid(), uid, told.value()));
        }
    }

    /** What read(2) of the open queue gives. */
    @KernelFunction(value = "mqueue_read_file", file = "ipc/mqueue.c")
    synchronized String text() {
        boolean told = notification != null;
        boolean signals = told && notification.kind() == MqueueNotification.SIGEV_SIGNAL;
        return "QSIZE:%-10d NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n"
                .formatted(
                        bytes,
                        told ? notification.kind() : 0,
                        signals ? notification.signal() : 0,
                        told ? notification.owner().pid() : 0);
    }
}
