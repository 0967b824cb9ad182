package faultline.emulator.syscall.mqueue;

import faultline.emulator.fs.FdTable;
import faultline.emulator.task.Process;

/**
 * Who wants to know that an empty queue is no longer empty (mq_notify(3)): once.
 *
 * @param owner the process
 * @param files its descriptors: closing one that is the queue's takes the wish back
 * @param kind SIGEV_SIGNAL, SIGEV_NONE or SIGEV_THREAD
 * @param signal 0 for no signal
 * @param value {@code sigev_value}
 * @param thread how to tell a thread; null for the other kinds
 */
record MqueueNotification(Process owner, FdTable files, int kind, int signal, long value, ThreadNotice thread) {
    static final int SIGEV_SIGNAL = 0;
    static final int SIGEV_NONE = 1;
}
