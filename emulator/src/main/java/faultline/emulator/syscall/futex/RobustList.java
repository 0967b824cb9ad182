package faultline.emulator.syscall.futex;

import faultline.emulator.task.Task;
import faultline.emulator.task.TaskMemory;
import faultline.emulator.task.UserFault;
import faultline.mmu.annotation.KernelFunction;

/**
 * The locks that a dying task leaves behind, in a list that it keeps in its own memory (set_robust_list(2)).
 *
 * <p>A list that the program has broken ends where it cannot be read. Bit 0 of a link says that the lock behind it
 * inherits priorities: its next owner is found by {@link PiLocks#ownerDies}, not by a wake-up here.
 */
final class RobustList {
    private static final int LIMIT = 2048;
    private static final long PI = 1;

    private final Task task;
    private final FutexTable futexes;

    RobustList(Task task, FutexTable futexes) {
        this.task = task;
        this.futexes = futexes;
    }

    /** Marks each lock as ownerless and wakes one waiter of it. */
    @KernelFunction(value = "exit_robust_list", file = "kernel/futex/core.c")
    void release(long head) {
        try {
            long entry = task.user().getLong(head);
            long offset = task.user().getLong(head + 8);
            long pending = task.user().getLong(head + 16);
            if (walk(head, entry, offset, pending) && lock(pending) != 0) {
                handleDeath(lock(pending) + offset, (pending & PI) != 0, true);
            }
        } catch (UserFault e) {
            // what cannot be read any more has no waiters that could be found
            return;
        }
    }

    private boolean walk(long head, long first, long offset, long pending) {
        long entry = first;
        for (int i = 0; i < LIMIT && lock(entry) != head; i++) {
            // read before the lock is free: its next owner may take it out of the list
            long next = next(lock(entry));
            if (lock(entry) != lock(pending) && !handleDeath(lock(entry) + offset, (entry & PI) != 0, false)) {
                return false;
            }
            if (next == TaskMemory.ABSENT) {
                return false;
            }
            entry = next;
        }
        return true;
    }

    private long next(long entry) {
        try {
            return task.user().getLong(entry);
        } catch (UserFault e) {
            return TaskMemory.ABSENT;
        }
    }

    private static long lock(long entry) {
        return entry & ~PI;
    }

    /** Returns false where the list is not to be followed further. */
    @KernelFunction(value = "handle_futex_death", file = "kernel/futex/core.c")
    private boolean handleDeath(long address, boolean pi, boolean pending) {
        if ((address & 3) != 0) {
            return false;
        }
        while (true) {
            int value = task.user().getInt(address);
            if (pending && !pi && value == 0) {
                // it had unlocked, and died before it could wake
                futexes.wakeShared(task, address, 1);
                return true;
            }
            if ((value & FutexWord.TID_MASK) != task.tid()) {
                return true;
            }
            int dead = value & FutexWord.WAITERS | FutexWord.OWNER_DIED;
            long found = FutexWord.exchangeIf(task, address, value, dead);
            if (found == TaskMemory.ABSENT) {
                FutexWord.faultIn(task, address);
            } else if ((int) found == value) {
                if (!pi && (value & FutexWord.WAITERS) != 0) {
                    futexes.wakeShared(task, address, 1);
                }
                return true;
            }
        }
    }
}
