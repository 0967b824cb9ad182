package faultline.emulator.task;

import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * How a machine ends: with its last task, or at once when the emulator itself made a mistake.
 *
 * <p>After a mistake nothing of the machine can be relied on. Whoever made it may have held the mmap lock, a page-table
 * lock, anything that is no Java monitor, and others wait for those for ever. So nobody is waited for: guest code is
 * stopped and does not run again, and no task is taken apart; the end of the process does that for all of them. In a
 * process that goes on, tasks that wait for locks stay, and so does the machine's memory.
 */
final class MachineEnd {
    private final Kernel kernel;
    private final AtomicReference<KernelPanic> panic = new AtomicReference<>();
    private volatile Thread waiter;

    MachineEnd(Kernel kernel) {
        this.kernel = kernel;
    }

    /** Stops the machine for good. The first mistake counts: others may follow from it. Any thread; takes no lock. */
    void panic(KernelPanic mistake) {
        if (panic.compareAndSet(null, mistake)) {
            LockSupport.unpark(waiter);
            for (Task task : kernel.tasks().values()) {
                task.signalWake();
            }
        } else if (panic.get() != mistake) {
            panic.get().addSuppressed(mistake);
        }
    }

    /** Whether the machine was stopped by a mistake. */
    boolean hasPanicked() {
        return panic.get() != null;
    }

    /** A task has ended. */
    void taskGone() {
        LockSupport.unpark(waiter);
    }

    /**
     * Waits until all tasks have ended. An interrupt kills them.
     *
     * @throws KernelPanic as soon as the emulator itself failed
     */
    void await() {
        waiter = Thread.currentThread();
        boolean interrupted = false;
        while (!hasPanicked() && runs()) {
            LockSupport.park(this);
            if (Thread.interrupted()) {
                interrupted = true;
                kernel.killAll();
            }
        }
        waiter = null;
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (hasPanicked()) {
            throw panic.get();
        }
    }

    /** Whether there is a task that is no stand-in's. */
    private boolean runs() {
        for (Task task : kernel.tasks().values()) {
            if (!task.process().group().unkillable()) {
                return true;
            }
        }
        return false;
    }
}
