package faultline.emulator.syscall.mqueue;

import faultline.emulator.fs.OpenFile;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.emulator.signal.Signals;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Rlimits;
import faultline.emulator.task.Sleeps;
import faultline.emulator.task.Task;
import faultline.emulator.task.TimeValues;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.util.function.ToLongFunction;

/**
 * mq_open, mq_unlink, mq_timedsend, mq_timedreceive, mq_notify, mq_getsetattr.
 *
 * <pre>
 *   struct mq_attr:   0 mq_flags  8 mq_maxmsg  16 mq_msgsize  24 mq_curmsgs  (64 bytes)
 *   struct sigevent:  0 sigev_value  8 sigev_signo  12 sigev_notify
 * </pre>
 *
 * <p>For a notification by a thread (SIGEV_THREAD) {@code sigev_signo} is a netlink socket and {@code sigev_value} the
 * address of 32 bytes to send there.
 */
public final class MqueueCalls implements SyscallFamily {
    private static final int PATH_MAX = 4096;
    private static final int PRIORITIES = 32768;
    private static final int PERMISSIONS = 0777;
    private static final int ATTR_WORDS = 8;

    @Override
    public void register(SyscallTable table) {
        table.register(
                Nr.MQ_OPEN,
                "mq_open",
                (task, name, flags, mode, attr, a4, a5) -> open(task, name, (int) flags, (int) mode, attr));
        table.register(Nr.MQ_UNLINK, "mq_unlink", (task, name, a1, a2, a3, a4, a5) -> {
            String text = task.user().readString(name, PATH_MAX);
            return text == null ? -Errno.ENAMETOOLONG : task.kernel().mqueues().unlink(task, text);
        });
        table.register(Nr.MQ_TIMEDSEND, "mq_timedsend", MqueueCalls::send);
        table.register(Nr.MQ_TIMEDRECEIVE, "mq_timedreceive", MqueueCalls::receive);
        table.register(Nr.MQ_NOTIFY, "mq_notify", (task, fd, event, a2, a3, a4, a5) -> notify(task, (int) fd, event));
        table.register(
                Nr.MQ_GETSETATTR,
                "mq_getsetattr",
                (task, fd, wanted, old, a3, a4, a5) -> attributes(task, (int) fd, wanted, old));
    }

    private static long open(Task task, long nameAddress, int flags, int mode, long attr) {
        long[] wanted = attr == 0
                ? null
                : new long[] {task.user().getLong(attr + 8), task.user().getLong(attr + 16)};
        String name = task.user().readString(nameAddress, PATH_MAX);
        if (name == null) {
            return -Errno.ENAMETOOLONG;
        }
        long limit = task.process().rlimits().soft(Rlimits.NOFILE);
        if (limit == 0) {
            return -Errno.EMFILE;
        }
        long[] error = new long[1];
        int permissions = mode & PERMISSIONS & ~task.fs().umask();
        MqueueFile file = task.kernel().mqueues().open(task, name, flags, permissions, wanted, error);
        if (file == null) {
            return error[0];
        }
        int fd = task.files().install(file, 0, true, limit);
        if (fd < 0) {
            file.put();
        }
        return fd;
    }

    /** Runs {@code body} on an open queue; -EBADF for anything else. */
    private static long onQueue(Task task, int fd, ToLongFunction<MqueueFile> body) {
        OpenFile file = task.files().get(fd);
        if (file == null) {
            return -Errno.EBADF;
        }
        try {
            return file instanceof MqueueFile open ? body.applyAsLong(open) : -Errno.EBADF;
        } finally {
            file.put();
        }
    }

    /** Nanoseconds since 1970; {@link Sleeps#NEVER} for a null pointer; -EINVAL. */
    @KernelFunction(value = "prepare_timeout", file = "ipc/mqueue.c")
    private static long deadline(Task task, long address) {
        if (address == 0) {
            return Sleeps.NEVER;
        }
        long seconds = task.user().getLong(address);
        long fraction = task.user().getLong(address + 8);
        if (seconds < 0 || fraction < 0 || fraction >= TimeValues.NANOS) {
            return -Errno.EINVAL;
        }
        return seconds >= Long.MAX_VALUE / TimeValues.NANOS ? Sleeps.NEVER : seconds * TimeValues.NANOS + fraction;
    }

    private static long send(Task task, long fd, long text, long length, long priority, long timeout, long a5) {
        long deadline = deadline(task, timeout);
        if (deadline < 0 || Integer.compareUnsigned((int) priority, PRIORITIES) >= 0) {
            return -Errno.EINVAL;
        }
        return onQueue(task, (int) fd, file -> {
            if (!file.writable()) {
                return -Errno.EBADF;
            }
            if (Long.compareUnsigned(length, file.queue().mostBytes) > 0) {
                return -Errno.EMSGSIZE;
            }
            byte[] bytes = new byte[(int) length];
            task.user().read(text, bytes, 0, bytes.length);
            return file.queue().send(task, new MqueueMessage((int) priority, bytes), file.waits(), deadline);
        });
    }

    private static long receive(Task task, long fd, long text, long room, long priority, long timeout, long a5) {
        long deadline = deadline(task, timeout);
        if (deadline < 0) {
            return -Errno.EINVAL;
        }
        return onQueue(task, (int) fd, file -> {
            if (!file.readable()) {
                return -Errno.EBADF;
            }
            if (Long.compareUnsigned(room, file.queue().mostBytes) < 0) {
                return -Errno.EMSGSIZE;
            }
            long[] error = new long[1];
            MqueueMessage message = file.queue().receive(task, file.waits(), deadline, error);
            if (message == null) {
                return error[0];
            }
            if (priority != 0) {
                task.user().putInt(priority, message.priority());
            }
            task.user().write(text, message.text(), 0, message.text().length);
            return message.text().length;
        });
    }

    @KernelFunction(value = "do_mq_notify", file = "ipc/mqueue.c")
    private static long notify(Task task, int fd, long event) {
        if (event == 0) {
            return notify(task, fd, null);
        }
        long value = task.user().getLong(event);
        int signal = task.user().getInt(event + 8);
        int kind = task.user().getInt(event + 12);
        boolean valid =
                switch (kind) {
                    case MqueueNotification.SIGEV_NONE, ThreadNotice.SIGEV_THREAD -> true;
                    case MqueueNotification.SIGEV_SIGNAL -> signal >= 0 && signal <= Signals.MAX;
                    default -> false;
                };
        if (!valid) {
            return -Errno.EINVAL;
        }
        if (kind == ThreadNotice.SIGEV_THREAD) {
            return notifyThread(task, fd, value, signal);
        }
        return notify(task, fd, new MqueueNotification(task.process(), task.files(), kind, signal, value, null));
    }

    private static long notifyThread(Task task, int fd, long value, int socketFd) {
        byte[] cookie = new byte[ThreadNotice.COOKIE_BYTES];
        task.user().read(value, cookie, 0, cookie.length);
        OpenFile socket = task.files().get(socketFd);
        if (socket == null) {
            return -Errno.EBADF;
        }
        try {
            ThreadNotice thread = new ThreadNotice(cookie, socket.hostFd());
            int kind = ThreadNotice.SIGEV_THREAD;
            return notify(task, fd, new MqueueNotification(task.process(), task.files(), kind, 0, value, thread));
        } finally {
            socket.put();
        }
    }

    private static long notify(Task task, int fd, MqueueNotification wanted) {
        return onQueue(task, fd, file -> file.queue().notify(task.process(), wanted));
    }

    @KernelFunction(value = "do_mq_getsetattr", file = "ipc/mqueue.c")
    private static long attributes(Task task, int fd, long wanted, long old) {
        long flags = wanted == 0 ? 0 : task.user().getLong(wanted);
        if ((flags & ~OpenFlags.O_NONBLOCK) != 0) {
            return -Errno.EINVAL;
        }
        return onQueue(task, fd, file -> {
            Mqueue queue = file.queue();
            long[] words = {
                file.statusFlags() & OpenFlags.O_NONBLOCK, queue.mostMessages, queue.mostBytes, queue.size(), 0, 0, 0, 0
            };
            if (wanted != 0) {
                file.setStatusFlags((int) flags);
            }
            for (int i = 0; old != 0 && i < ATTR_WORDS; i++) {
                task.user().putLong(old + 8L * i, words[i]);
            }
            return 0;
        });
    }
}
