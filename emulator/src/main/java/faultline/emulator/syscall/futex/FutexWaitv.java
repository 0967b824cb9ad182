package faultline.emulator.syscall.futex;

import faultline.emulator.syscall.Restart;
import faultline.emulator.task.Sleeps;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/** futex_waitv(2): waits until one of up to 128 futexes is woken. */
final class FutexWaitv {
    private static final int MOST = 128;

    private FutexWaitv() {}

    @KernelFunction(value = "sys_futex_waitv", file = "kernel/futex/syscalls.c")
    static long call(Task task, long waiters, long count, long flags, long timeout, long clock, long a5) {
        if ((int) flags != 0 || (int) count <= 0 || (int) count > MOST || waiters == 0) {
            return -Errno.EINVAL;
        }
        long deadline = Futex2Calls.deadline(task, timeout, clock);
        if (deadline < 0) {
            return deadline;
        }
        int n = (int) count;
        FutexWaiter[] queued = new FutexWaiter[n];
        long[] addresses = new long[n];
        int[] values = new int[n];
        FutexTable futexes = task.kernel().futexes();
        for (int i = 0; i < n; i++) {
            Futex2Word word = Futex2Word.read(task, waiters, i);
            if (word == null || word.check() != 0 || word.checkAddress(task) != 0) {
                return -Errno.EINVAL;
            }
            addresses[i] = word.address();
            values[i] = (int) word.value();
            queued[i] = new FutexWaiter(task, word.key(task), FutexTable.MATCH_ANY, i);
        }
        return wait(task, futexes, queued, addresses, values, (int) clock, deadline);
    }

    private static long wait(
            Task task,
            FutexTable futexes,
            FutexWaiter[] all,
            long[] addresses,
            int[] values,
            int clock,
            long deadline) {
        int queued = 0;
        long result = 0;
        try {
            for (; queued < all.length && result == 0; queued++) {
                if (!futexes.queueIfEqual(all[queued], addresses[queued], values[queued])) {
                    result = -Errno.EAGAIN;
                    break;
                }
            }
            while (result == 0 && firstWoken(all) < 0) {
                long left = Sleeps.left(task, clock, deadline);
                if (task.signalPending()) {
                    result = -Restart.ERESTARTSYS;
                } else if (left <= 0) {
                    result = -Errno.ETIMEDOUT;
                } else {
                    task.park(left);
                }
            }
        } finally {
            for (int i = 0; i < queued; i++) {
                futexes.dequeue(all[i]);
            }
        }
        int woken = firstWoken(all);
        return woken >= 0 ? woken : result;
    }

    private static int firstWoken(FutexWaiter[] all) {
        for (FutexWaiter waiter : all) {
            if (waiter.woken) {
                return waiter.index;
            }
        }
        return -1;
    }
}
