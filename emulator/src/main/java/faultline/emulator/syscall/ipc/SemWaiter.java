package faultline.emulator.syscall.ipc;

import faultline.emulator.task.Task;
import faultline.mmu.annotation.KernelFunction;

/**
 * A call of semop(2): what it is to do, for whom, and what it waits for. Guarded by the table's monitor, but the
 * result.
 */
@KernelFunction("sem_queue")
final class SemWaiter {
    /** Not done yet. */
    static final long PENDING = 1;

    final Task task;
    final int pid;
    final SemOperation[] operations;
    /** Whether it changes any semaphore, rather than to wait only until they are 0. */
    final boolean alters;

    /** The operation that cannot be done now. */
    SemOperation blocking;

    /** {@link #PENDING}, 0, or -errno. Written under the monitor, read by the waiting task without. */
    volatile long result = PENDING;

    SemWaiter(Task task, SemOperation[] operations) {
        this.task = task;
        this.pid = task.pid();
        this.operations = operations;
        boolean any = false;
        for (SemOperation operation : operations) {
            any |= !operation.waitsForZero();
        }
        alters = any;
    }

    /** Ends the wait. */
    void finish(long value) {
        result = value;
        task.wake();
    }
}
