package faultline.emulator.syscall.futex;

import faultline.emulator.task.Task;
import faultline.emulator.task.TaskMemory;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.util.function.IntUnaryOperator;

/**
 * Access to the word of a futex with a bucket's monitor held: nothing here faults, because the fault could need that
 * monitor (a page that another thread provides by userfaultfd). Where the page is absent the caller leaves the monitor,
 * calls {@link #faultIn} or reads the word, and begins again.
 *
 * <p>Guest code is the other party to every change: nobody runs any while the changing task owns the virtual CPU. Other
 * system calls are kept out by the exchange.
 */
final class FutexWord {
    static final int WAITERS = 0x80000000;
    static final int OWNER_DIED = 0x40000000;
    static final int TID_MASK = 0x3fffffff;

    private FutexWord() {}

    /** The word, zero-extended, or {@link TaskMemory#ABSENT}. */
    static long get(Task task, long address) {
        return task.user().getIntIfPresent(address);
    }

    /**
     * Changes the word if it has a value.
     *
     * @return what it was, zero-extended, or {@link TaskMemory#ABSENT}
     */
    @KernelFunction(value = "futex_cmpxchg_value_locked", file = "kernel/futex/core.c")
    static long exchangeIf(Task task, long address, int expect, int update) {
        task.kernel().cpu().acquire(task);
        try {
            return task.user().exchangeIntIfPresent(address, expect, update);
        } finally {
            task.kernel().cpu().release();
        }
    }

    /** As {@link #exchangeIf}: 0 when changed, -EAGAIN when it had another value, -EFAULT where the page is absent. */
    static int replace(Task task, long address, int expect, int update) {
        long found = exchangeIf(task, address, expect, update);
        return found == TaskMemory.ABSENT ? -Errno.EFAULT : (int) found == expect ? 0 : -Errno.EAGAIN;
    }

    /**
     * Replaces the word by a function of it.
     *
     * @return what it was, zero-extended, or {@link TaskMemory#ABSENT}: not changed then
     */
    @KernelFunction(value = "futex_atomic_op_inuser", file = "kernel/futex/waitwake.c")
    static long update(Task task, long address, IntUnaryOperator change) {
        task.kernel().cpu().acquire(task);
        try {
            while (true) {
                long old = task.user().getIntIfPresent(address);
                if (old == TaskMemory.ABSENT) {
                    return old;
                }
                long found = task.user().exchangeIntIfPresent(address, (int) old, change.applyAsInt((int) old));
                if (found == old || found == TaskMemory.ABSENT) {
                    return found;
                }
            }
        } finally {
            task.kernel().cpu().release();
        }
    }

    /** Makes the word's page present and writable. Caller holds no monitor of a bucket. */
    static void faultIn(Task task, long address) {
        task.user().faultInWritable(address);
    }
}
