package faultline.emulator.syscall.futex;

import faultline.emulator.host.Nr;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.KernelClock;
import faultline.emulator.task.Sleeps;
import faultline.emulator.task.Task;
import faultline.emulator.task.TimeValues;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/**
 * futex_waitv(2), futex_wake(2), futex_wait(2) and futex_requeue(2): one call an operation, with flags for each word.
 */
final class Futex2Calls implements SyscallFamily {
    @Override
    public void register(SyscallTable table) {
        table.register(Nr.FUTEX_WAITV, "futex_waitv", FutexWaitv::call);
        table.register(Nr.FUTEX_WAKE, "futex_wake", Futex2Calls::wake);
        table.register(Nr.FUTEX_WAIT, "futex_wait", Futex2Calls::await);
        table.register(Nr.FUTEX_REQUEUE, "futex_requeue", Futex2Calls::requeue);
    }

    /**
     * The deadline of a call that has an absolute time and a clock.
     *
     * @return nanoseconds, {@link Sleeps#NEVER} without a time, or -errno
     */
    @KernelFunction(value = "futex2_setup_timeout", file = "kernel/futex/syscalls.c")
    static long deadline(Task task, long timeout, long clock) {
        if (timeout == 0) {
            return Sleeps.NEVER;
        }
        boolean known = (int) clock == KernelClock.REALTIME || (int) clock == KernelClock.MONOTONIC;
        return known ? TimeValues.readTimespec(task, timeout) : -Errno.EINVAL;
    }

    @KernelFunction(value = "sys_futex_wake", file = "kernel/futex/syscalls.c")
    private static long wake(Task task, long address, long mask, long count, long flags, long a4, long a5) {
        Futex2Word word = new Futex2Word(address, mask, (int) flags);
        if (word.check() != 0 || mask == 0 || word.checkAddress(task) != 0) {
            return -Errno.EINVAL;
        }
        FutexKey key = word.key(task);
        // none are none here, unlike in FUTEX_WAKE; a negative count wakes one
        return (int) count == 0 ? 0 : task.kernel().futexes().wake(key, Math.max(1, (int) count), (int) mask);
    }

    @KernelFunction(value = "sys_futex_wait", file = "kernel/futex/syscalls.c")
    private static long await(Task task, long address, long value, long mask, long flags, long timeout, long clock) {
        Futex2Word word = new Futex2Word(address, value, (int) flags);
        if (word.check() != 0 || new Futex2Word(address, mask, (int) flags).check() != 0) {
            return -Errno.EINVAL;
        }
        long deadline = deadline(task, timeout, clock);
        if (deadline < 0) {
            return deadline;
        }
        if (mask == 0 || word.checkAddress(task) != 0) {
            return -Errno.EINVAL;
        }
        int sleepClock = timeout == 0 ? KernelClock.MONOTONIC : (int) clock;
        return task.kernel()
                .futexes()
                .wait(task, word.key(task), address, (int) value, (int) mask, sleepClock, deadline);
    }

    @KernelFunction(value = "sys_futex_requeue", file = "kernel/futex/syscalls.c")
    private static long requeue(Task task, long vector, long flags, long wake, long move, long a4, long a5) {
        if ((int) flags != 0 || vector == 0) {
            return -Errno.EINVAL;
        }
        Futex2Word from = Futex2Word.read(task, vector, 0);
        Futex2Word to = Futex2Word.read(task, vector, 1);
        if (from == null || to == null || from.check() != 0 || to.check() != 0) {
            return -Errno.EINVAL;
        }
        if ((int) wake < 0 || (int) move < 0 || from.shared() != to.shared()) {
            return -Errno.EINVAL;
        }
        if (from.checkAddress(task) != 0 || to.checkAddress(task) != 0) {
            return -Errno.EINVAL;
        }
        FutexTable futexes = task.kernel().futexes();
        return futexes.requeue(
                task, from.key(task), from.address(), to.key(task), (int) wake, (int) move, (int) from.value());
    }
}
