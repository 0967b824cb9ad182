package faultline.emulator.syscall.ipc;

import faultline.emulator.task.Sysctl;
import faultline.mmu.Errno;

/** The settings of message queues: /proc/sys/kernel/msgmax, msgmnb, msgmni, msg_next_id. Any thread. */
public final class MessageSysctl implements Sysctl {
    /** Most bytes of one message. */
    private volatile int msgmax = 8192;

    /** Most bytes of a new queue. */
    private volatile int msgmnb = 16384;

    /** Most queues. */
    private volatile int msgmni = 32000;

    private int nextId = -1;

    int msgmax() {
        return msgmax;
    }

    int msgmnb() {
        return msgmnb;
    }

    int msgmni() {
        return msgmni;
    }

    /** The id that the next queue is to have, once; -1 for any. */
    synchronized int takeNextId() {
        int id = nextId;
        nextId = -1;
        return id;
    }

    @Override
    public synchronized String get(String name) {
        return switch (name) {
            case "kernel/msgmax" -> Integer.toString(msgmax);
            case "kernel/msgmnb" -> Integer.toString(msgmnb);
            case "kernel/msgmni" -> Integer.toString(msgmni);
            case "kernel/msg_next_id" -> Integer.toString(nextId);
            default -> null;
        };
    }

    @Override
    public synchronized long set(String name, String value) {
        int number = Integer.parseInt(value);
        if (number < 0 || name.equals("kernel/msgmni") && number > IpcIds.MOST_INDEX) {
            return -Errno.EINVAL;
        }
        switch (name) {
            case "kernel/msgmax" -> msgmax = number;
            case "kernel/msgmnb" -> msgmnb = number;
            case "kernel/msgmni" -> msgmni = number;
            default -> nextId = number;
        }
        return 0;
    }
}
