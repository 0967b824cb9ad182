package faultline.emulator.task;

/** The Java thread that a task is. */
final class TaskThread extends Thread {
    /** Bytes: translating a large block of guest code happens on this stack, under the memory manager's frames. */
    private static final long STACK_BYTES = 2L << 20;

    private final Task task;

    TaskThread(Task task, Runnable body) {
        super(null, body, "guest-" + task.tid(), STACK_BYTES);
        this.task = task;
        setDaemon(true);
    }

    Task task() {
        return task;
    }
}
