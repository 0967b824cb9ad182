package faultline.emulator.syscall.futex;

import faultline.emulator.task.Task;
import faultline.mmu.annotation.KernelFunction;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Which task waits for which lock: task → lock → its owner → the lock that one waits for → … A task that would close a
 * circle is refused.
 *
 * <p>Taken inside a bucket's monitor. An owner changes under its own bucket's monitor only, so a walk may see one that
 * is changing: the new owner has left the map before, so that it cannot be a part of a circle.
 */
final class PiChains {
    /** The longest chain that is followed (/proc/sys/kernel/max_lock_depth). */
    private static final int DEPTH = 1024;

    private final Map<Task, PiState> waits = new HashMap<>();
    private final AtomicInteger users = new AtomicInteger();

    /** A call begins that may make its task, or one that it moves, wait for a lock. */
    void begin() {
        users.incrementAndGet();
    }

    /** That call ends. */
    void end() {
        users.decrementAndGet();
    }

    /** Whether any lock may have a waiter: what a dying owner asks after it has said that it dies. */
    boolean used() {
        return users.get() != 0;
    }

    /** Remembers that a task waits. Returns false when it would wait for itself. */
    @KernelFunction(value = "rt_mutex_adjust_prio_chain", file = "kernel/locking/rtmutex.c")
    synchronized boolean enter(Task task, PiState lock) {
        PiState at = lock;
        for (int i = 0; at != null; i++) {
            if (at.owner == task || i == DEPTH) {
                return false;
            }
            at = waits.get(at.owner);
        }
        waits.put(task, lock);
        return true;
    }

    synchronized void leave(Task task) {
        waits.remove(task);
    }
}
