package faultline.emulator.syscall.ipc;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A set of semaphores, who waits for them, and what is to be undone as processes end. Guarded by the table's monitor.
 */
@KernelFunction("sem_array")
final class SemSet extends IpcObject {
    /** The highest value, and the largest adjustment. */
    static final int SEMVMX = 32767;

    final int[] values;
    /** The process that was the last to operate on each. */
    final int[] pids;

    /** When the last operation was done, in seconds since 1970. */
    long operationTime;

    private final List<SemWaiter> waiting = new ArrayList<>();
    private final Map<Integer, int[]> adjustments = new HashMap<>();

    SemSet(int id, int key, int mode, int count, IpcOwner owner, long now) {
        super(id, key, mode, owner, now);
        values = new int[count];
        pids = new int[count];
    }

    /**
     * Does all operations of a call, or none.
     *
     * @return 0, -ERANGE, -EAGAIN, or {@link SemWaiter#PENDING} when it has to wait
     */
    @KernelFunction(value = "perform_atomic_semop", file = "ipc/sem.c")
    long tryOperate(SemWaiter waiter) {
        int[] adjustment = adjustments.get(waiter.pid);
        int done = 0;
        long result = 0;
        for (SemOperation operation : waiter.operations) {
            int value = values[operation.number()];
            int next = value + operation.change();
            if (operation.waitsForZero() && value != 0 || next < 0) {
                waiter.blocking = operation;
                result = operation.nowait() ? -Errno.EAGAIN : SemWaiter.PENDING;
                break;
            }
            if (next > SEMVMX) {
                result = -Errno.ERANGE;
                break;
            }
            if (operation.undo()) {
                if (adjustment == null) {
                    adjustment = new int[values.length];
                    adjustments.put(waiter.pid, adjustment);
                }
                int undo = adjustment[operation.number()] - operation.change();
                if (undo < -SEMVMX - 1 || undo > SEMVMX) {
                    result = -Errno.ERANGE;
                    break;
                }
                adjustment[operation.number()] = undo;
            }
            values[operation.number()] = next;
            done++;
        }
        if (result != 0) {
            takeBack(waiter, adjustment, done);
            return result;
        }
        for (SemOperation operation : waiter.operations) {
            pids[operation.number()] = waiter.pid;
        }
        return 0;
    }

    private void takeBack(SemWaiter waiter, int[] adjustment, int done) {
        for (int i = done - 1; i >= 0; i--) {
            SemOperation operation = waiter.operations[i];
            values[operation.number()] -= operation.change();
            if (operation.undo()) {
                adjustment[operation.number()] += operation.change();
            }
        }
    }

    void enqueue(SemWaiter waiter) {
        waiting.add(waiter);
    }

    void dequeue(SemWaiter waiter) {
        waiting.remove(waiter);
    }

    /** After a change: does what can be done now, first for those that wait for 0, then in the order of arrival. */
    @KernelFunction(value = "do_smart_update", file = "ipc/sem.c")
    void update(long now) {
        boolean altered;
        do {
            serve(false, now);
            altered = serve(true, now);
        } while (altered);
    }

    /** Serves all of one sort that changes nothing, or the first that can alter. Returns whether one did alter. */
    private boolean serve(boolean altering, long now) {
        for (int i = 0; i < waiting.size(); i++) {
            SemWaiter waiter = waiting.get(i);
            long result = waiter.alters == altering ? tryOperate(waiter) : SemWaiter.PENDING;
            if (result != SemWaiter.PENDING) {
                waiting.remove(i--);
                waiter.finish(result);
                if (result == 0) {
                    operationTime = now;
                    if (altering) {
                        return true;
                    }
                }
            }
        }
        return false;
    }

    /** How many wait for a semaphore to become 0, or to grow. */
    @KernelFunction(value = "count_semcnt", file = "ipc/sem.c")
    int waiters(int number, boolean forZero) {
        int count = 0;
        for (SemWaiter waiter : waiting) {
            if (waiter.blocking.number() == number && waiter.blocking.waitsForZero() == forZero) {
                count++;
            }
        }
        return count;
    }

    /** Sets one semaphore; nobody is to adjust it any more. */
    void assign(int number, int value, int pid) {
        values[number] = value;
        pids[number] = pid;
        for (int[] adjustment : adjustments.values()) {
            adjustment[number] = 0;
        }
    }

    /** A process ends: what it did with SEM_UNDO is taken back, as far as values can be. */
    @KernelFunction(value = "exit_sem", file = "ipc/sem.c")
    void undo(int pid, long now) {
        int[] adjustment = adjustments.remove(pid);
        if (adjustment == null) {
            return;
        }
        for (int i = 0; i < values.length; i++) {
            if (adjustment[i] != 0) {
                values[i] = Math.clamp(values[i] + adjustment[i], 0, SEMVMX);
                pids[i] = pid;
            }
        }
        operationTime = now;
        update(now);
    }

    /** The set is gone: nobody waits for it any more. */
    void abandon() {
        waiting.forEach(waiter -> waiter.finish(-Errno.EIDRM));
        waiting.clear();
    }
}
