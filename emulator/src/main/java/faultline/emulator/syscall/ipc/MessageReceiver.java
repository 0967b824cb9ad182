package faultline.emulator.syscall.ipc;

import faultline.emulator.task.Task;
import faultline.mmu.annotation.KernelFunction;

/** A call of msgrcv(2) that waits. Guarded by the table's monitor, but the outcome. */
@KernelFunction("msg_receiver")
final class MessageReceiver {
    /** Nothing has come yet. */
    static final long WAITING = 1;
    /** The queue's settings have changed: the call looks, and asks for its rights, again. */
    static final long LOOK_AGAIN = 2;

    final Task task;
    final MessageChoice choice;
    /** Most bytes of a message that the call can take. */
    final long most;

    /** What was handed over; read by the waiting task once {@link #result} is 0. */
    Message message;

    /** {@link #WAITING}, {@link #LOOK_AGAIN}, 0 or -errno. Written under the monitor, read by the task without. */
    volatile long result = WAITING;

    MessageReceiver(Task task, MessageChoice choice, long most) {
        this.task = task;
        this.choice = choice;
        this.most = most;
    }

    /** Ends the wait. */
    void finish(long outcome) {
        result = outcome;
        task.wake();
    }
}
