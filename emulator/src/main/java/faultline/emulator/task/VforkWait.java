package faultline.emulator.task;

/** A parent that waits until its vfork child has its own memory or is gone (struct completion vfork_done). */
final class VforkWait {
    private final Task parent;
    private volatile boolean done;

    VforkWait(Task parent) {
        this.parent = parent;
    }

    void complete() {
        done = true;
        parent.wake();
    }

    /** Called by the parent. Only its own end interrupts it, as TASK_KILLABLE does. */
    void await() {
        while (!done && !parent.killed() && !parent.process().group().exiting()) {
            parent.parkUninterruptibly(Long.MAX_VALUE);
        }
    }
}
