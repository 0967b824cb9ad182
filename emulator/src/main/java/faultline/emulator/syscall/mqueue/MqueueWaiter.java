package faultline.emulator.syscall.mqueue;

import faultline.emulator.task.Task;
import faultline.mmu.annotation.KernelFunction;

/** A task that waits for a message, or for room for one. Guarded by the queue's monitor. */
@KernelFunction("ext_wait_queue")
final class MqueueWaiter {
    final Task task;
    /** What is to be sent, or what was received; null for a receiver that still waits. */
    MqueueMessage message;

    /** Another task has done what this one waits for. */
    volatile boolean done;

    MqueueWaiter(Task task, MqueueMessage message) {
        this.task = task;
        this.message = message;
    }

    void finish() {
        done = true;
        task.wake();
    }
}
