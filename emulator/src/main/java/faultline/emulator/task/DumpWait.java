package faultline.emulator.task;

import faultline.mmu.annotation.KernelFunction;
import java.util.HashSet;
import java.util.Set;

/** Where the tasks of a process that is being dumped wait until the dump is written. */
@KernelFunction(value = "core_state", file = "include/linux/sched/signal.h")
public final class DumpWait {
    /** A task that had begun to end before the dump never comes here: it is looked for again that often. */
    private static final long LOOK_AGAIN_MILLIS = 5;

    private final Task dumper;
    private final Set<Task> arrived = new HashSet<>();
    private boolean done;

    DumpWait(Task dumper) {
        this.dumper = dumper;
    }

    /** A task is about to end: it waits until its registers and memory are written. */
    @KernelFunction(value = "coredump_task_exit", file = "kernel/exit.c")
    synchronized void arrive(Task task) {
        if (task == dumper) {
            return;
        }
        task.kernel().cpu().idle();
        arrived.add(task);
        notifyAll();
        while (!done) {
            pause(0);
        }
    }

    /** Waits until all other tasks have arrived, or have ended. */
    @KernelFunction(value = "coredump_wait", file = "fs/coredump.c")
    public synchronized void awaitOthers() {
        dumper.kernel().cpu().idle();
        while (!dumper.process().tasks().stream().allMatch(task -> task == dumper || arrived.contains(task))) {
            pause(LOOK_AGAIN_MILLIS);
        }
    }

    /** The dump is written, or cannot be. */
    @KernelFunction(value = "coredump_finish", file = "fs/coredump.c")
    public synchronized void finish() {
        done = true;
        notifyAll();
    }

    private void pause(long millis) {
        try {
            wait(millis);
        } catch (InterruptedException e) {
            // nobody interrupts guest threads
            Thread.interrupted();
        }
    }
}
