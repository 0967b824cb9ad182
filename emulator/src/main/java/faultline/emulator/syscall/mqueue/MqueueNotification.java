package faultline.emulator.syscall.mqueue;

import faultline.emulator.fs.FdTable;
import faultline.emulator.task.Process;

/**
 * Who wants to know that an empty queue is no longer empty (mq_notify(3)): once.
 *
 * @param owner the process
 * @param files its descriptors: closing one that is the queue's takes the wish back
 * @param kind SIGEV_SIGNAL or SIGEV_NONE
 * @param signal 0 for no signal
 * @param value {@code sigev_value}
 */
record MqueueNotification(Process owner, FdTable files, int kind, int signal, long value) {
    static final int SIGEV_SIGNAL = 0;
    static final int SIGEV_NONE = 1;
}
