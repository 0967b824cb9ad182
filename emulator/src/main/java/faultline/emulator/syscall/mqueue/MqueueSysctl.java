package faultline.emulator.syscall.mqueue;

import faultline.emulator.task.Sysctl;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/** The settings of POSIX message queues, below /proc/sys/fs/mqueue. Any thread. */
@KernelFunction(value = "mq_sysctls", file = "ipc/mq_sysctl.c")
public final class MqueueSysctl implements Sysctl {
    static final int HARD_MESSAGES = 65536;
    static final int HARD_BYTES = 16 << 20;
    private static final int LEAST_BYTES = 128;

    /** Most queues. */
    private volatile int queues = 256;
    /** Most messages of a queue, and how many there may be when nothing is said. */
    private volatile int messages = 10;

    private volatile int defaultMessages = 10;
    /** Most bytes of a message. */
    private volatile int bytes = 8192;

    private volatile int defaultBytes = 8192;

    int mostQueues() {
        return queues;
    }

    int mostMessages() {
        return messages;
    }

    int mostBytes() {
        return bytes;
    }

    int defaultMessages() {
        return Math.min(messages, defaultMessages);
    }

    int defaultBytes() {
        return Math.min(bytes, defaultBytes);
    }

    @Override
    public String get(String name) {
        return switch (name) {
            case "fs/mqueue/queues_max" -> Integer.toString(queues);
            case "fs/mqueue/msg_max" -> Integer.toString(messages);
            case "fs/mqueue/msg_default" -> Integer.toString(defaultMessages);
            case "fs/mqueue/msgsize_max" -> Integer.toString(bytes);
            case "fs/mqueue/msgsize_default" -> Integer.toString(defaultBytes);
            default -> null;
        };
    }

    @Override
    public long set(String name, String value) {
        int number = Integer.parseInt(value);
        boolean ofMessages = name.startsWith("fs/mqueue/msg_");
        boolean ofBytes = name.startsWith("fs/mqueue/msgsize_");
        if (ofMessages && (number < 1 || number > HARD_MESSAGES)
                || ofBytes && (number < LEAST_BYTES || number > HARD_BYTES)) {
            return -Errno.EINVAL;
        }
        switch (name) {
            case "fs/mqueue/queues_max" -> queues = number;
            case "fs/mqueue/msg_max" -> messages = number;
            case "fs/mqueue/msg_default" -> defaultMessages = number;
            case "fs/mqueue/msgsize_max" -> bytes = number;
            default -> defaultBytes = number;
        }
        return 0;
    }
}
