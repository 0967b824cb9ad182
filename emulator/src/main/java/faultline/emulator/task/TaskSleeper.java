package faultline.emulator.task;

import faultline.mmu.fault.UserfaultSleeper;
import java.util.function.BooleanSupplier;

/** A task's wait for user space to provide a page (userfaultfd). */
final class TaskSleeper implements UserfaultSleeper {
    private final Task task;

    TaskSleeper(Task task) {
        this.task = task;
    }

    @Override
    public int tid() {
        return task.tid();
    }

    @Override
    public boolean sleep(BooleanSupplier done, boolean user) {
        while (!done.getAsBoolean()) {
            if (user ? task.signalPending() : isDying()) {
                return false;
            }
            task.parkUninterruptibly(Long.MAX_VALUE);
        }
        return true;
    }

    private boolean isDying() {
        return task.killed() || task.process().group().exiting();
    }

    @Override
    public void wake() {
        task.wake();
    }
}
