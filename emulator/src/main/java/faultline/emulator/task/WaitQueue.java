package faultline.emulator.task;

import java.util.ArrayList;
import java.util.List;

/**
 * Tasks that wait for something to become true (wait_queue_head_t).
 *
 * <pre>
 *   queue.add(task);
 *   try { while (!condition &amp;&amp; !task.signalPending()) task.park(nanos); } finally { queue.remove(task); }
 * </pre>
 *
 * A waker makes the condition true first and calls {@link #wakeAll} afterwards, so no wake-up is lost: a task that
 * looked before the change is in the queue already.
 */
public final class WaitQueue {
    private final List<Task> waiting = new ArrayList<>();

    /** From now on a wake-up wakes this task, too. */
    public synchronized void add(Task task) {
        waiting.add(task);
    }

    /** The task waits no more. */
    public synchronized void remove(Task task) {
        waiting.remove(task);
    }

    public synchronized void wakeAll() {
        for (Task task : waiting) {
            task.wake();
        }
    }
}
