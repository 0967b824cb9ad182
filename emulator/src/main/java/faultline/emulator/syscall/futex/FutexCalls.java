package faultline.emulator.syscall.futex;

import faultline.emulator.host.Nr;
import faultline.emulator.syscall.Restart;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.KernelClock;
import faultline.emulator.task.Sleeps;
import faultline.emulator.task.Task;
import faultline.emulator.task.TimeValues;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/** futex(2), its successors, and the robust list's calls. */
public final class FutexCalls implements SyscallFamily {
    private static final int WAIT = 0;
    private static final int WAKE = 1;
    private static final int REQUEUE = 3;
    private static final int CMP_REQUEUE = 4;
    private static final int WAKE_OP = 5;
    private static final int LOCK_PI = 6;
    private static final int UNLOCK_PI = 7;
    private static final int TRYLOCK_PI = 8;
    private static final int WAIT_BITSET = 9;
    private static final int WAKE_BITSET = 10;
    private static final int WAIT_REQUEUE_PI = 11;
    private static final int CMP_REQUEUE_PI = 12;
    private static final int LOCK_PI2 = 13;
    private static final int PRIVATE_FLAG = 128;
    private static final int CLOCK_REALTIME_FLAG = 256;
    private static final int ROBUST_HEAD_SIZE = 24;

    @Override
    public void register(SyscallTable table) {
        table.register(Nr.FUTEX, "futex", FutexCalls::futex);
        new Futex2Calls().register(table);
        table.register(Nr.SET_ROBUST_LIST, "set_robust_list", (task, head, size, a2, a3, a4, a5) -> {
            if (size != ROBUST_HEAD_SIZE) {
                return -Errno.EINVAL;
            }
            task.setRobustList(head);
            return 0;
        });
        table.register(Nr.GET_ROBUST_LIST, "get_robust_list", FutexCalls::getRobustList);
    }

    @KernelFunction(value = "get_robust_list", file = "kernel/futex/syscalls.c")
    private static long getRobustList(Task task, long tid, long head, long size, long a3, long a4, long a5) {
        Task target = (int) tid == 0 ? task : task.kernel().tasks().get((int) tid);
        if (target == null) {
            return -Errno.ESRCH;
        }
        if (target.process() != task.process() && !task.credentials().mayAccess(target.credentials())) {
            return -Errno.EPERM;
        }
        task.user().putLong(size, ROBUST_HEAD_SIZE);
        task.user().putLong(head, target.robustList());
        return 0;
    }

    @KernelFunction(value = "do_futex", file = "kernel/futex/syscalls.c")
    private static long futex(Task task, long address, long operation, long value, long a3, long address2, long a5) {
        int command = (int) operation & ~(PRIVATE_FLAG | CLOCK_REALTIME_FLAG);
        boolean shared = ((int) operation & PRIVATE_FLAG) == 0;
        boolean realtime = ((int) operation & CLOCK_REALTIME_FLAG) != 0;
        long deadline = hasTimeout(command) ? deadline(task, a3, command == WAIT) : Sleeps.NEVER;
        if (deadline < 0) {
            return deadline;
        }
        if (realtime && command != WAIT_BITSET && command != WAIT_REQUEUE_PI && command != LOCK_PI2) {
            return -Errno.ENOSYS;
        }
        int clock = realtime || command == LOCK_PI ? KernelClock.REALTIME : KernelClock.MONOTONIC;
        boolean aligned = (address & 3) == 0;
        boolean bothAligned = aligned && (address2 & 3) == 0;
        PiLocks locks = task.kernel().futexes().locks();
        return switch (command) {
            case WAIT -> wait(task, address, (int) value, FutexTable.MATCH_ANY, shared, clock, deadline);
            case WAIT_BITSET -> wait(task, address, (int) value, (int) a5, shared, clock, deadline);
            case WAKE -> wake(task, address, (int) value, FutexTable.MATCH_ANY, shared);
            case WAKE_BITSET -> wake(task, address, (int) value, (int) a5, shared);
            case REQUEUE -> requeue(task, address, (int) value, (int) a3, address2, null, shared);
            case CMP_REQUEUE -> requeue(task, address, (int) value, (int) a3, address2, (int) a5, shared);
            case WAKE_OP -> wakeOp(task, address, (int) value, (int) a3, address2, (int) a5, shared);
            case LOCK_PI, LOCK_PI2 ->
                aligned ? locks.lock(task, address, shared, clock, deadline, false) : -Errno.EINVAL;
            case TRYLOCK_PI -> aligned ? locks.lock(task, address, shared, clock, Sleeps.NEVER, true) : -Errno.EINVAL;
            case UNLOCK_PI -> locks.unlock(task, address, shared);
            case WAIT_REQUEUE_PI ->
                bothAligned
                        ? task.kernel()
                                .futexes()
                                .conditions()
                                .await(task, address, shared, (int) value, clock, deadline, address2)
                        : -Errno.EINVAL;
            case CMP_REQUEUE_PI -> requeuePi(task, address, (int) value, (int) a3, address2, (int) a5, shared);
            default -> -Errno.ENOSYS;
        };
    }

    private static boolean hasTimeout(int command) {
        return switch (command) {
            case WAIT, WAIT_BITSET, LOCK_PI, LOCK_PI2, WAIT_REQUEUE_PI -> true;
            default -> false;
        };
    }

    /** Nanoseconds of the call's clock, {@link Sleeps#NEVER} without a time, or -errno. */
    private static long deadline(Task task, long timeout, boolean relative) {
        if (timeout == 0) {
            return Sleeps.NEVER;
        }
        long nanos = TimeValues.readTimespec(task, timeout);
        return nanos < 0 || !relative
                ? nanos
                : TimeValues.add(task.kernel().clock().now(KernelClock.MONOTONIC), nanos);
    }

    private static long wait(Task task, long address, int value, int bitset, boolean shared, int clock, long deadline) {
        if (bitset == 0 || (address & 3) != 0) {
            return -Errno.EINVAL;
        }
        return waitUntil(task, address, value, bitset, shared, clock, deadline);
    }

    private static long waitUntil(
            Task task, long address, int value, int bitset, boolean shared, int clock, long deadline) {
        FutexKey key = FutexKeys.of(task, address, shared, false);
        long result = task.kernel().futexes().wait(task, key, address, value, bitset, clock, deadline);
        if (result == -Restart.ERESTARTSYS && deadline != Sleeps.NEVER) {
            task.setRestartBlock(again -> waitUntil(again, address, value, bitset, shared, clock, deadline));
            return -Restart.ERESTART_RESTARTBLOCK;
        }
        return result;
    }

    private static long wake(Task task, long address, int count, int bitset, boolean shared) {
        if (bitset == 0 || (address & 3) != 0) {
            return -Errno.EINVAL;
        }
        FutexTable futexes = task.kernel().futexes();
        // a count below one still wakes one, as on Linux
        return futexes.wake(FutexKeys.of(task, address, shared, false), Math.max(1, count), bitset);
    }

    private static long requeue(
            Task task, long address, int wake, int move, long address2, Integer compare, boolean shared) {
        if (wake < 0 || move < 0 || (address & 3) != 0 || (address2 & 3) != 0) {
            return -Errno.EINVAL;
        }
        FutexTable futexes = task.kernel().futexes();
        FutexKey from = FutexKeys.of(task, address, shared, false);
        FutexKey to = FutexKeys.of(task, address2, shared, false);
        return futexes.requeue(task, from, address, to, wake, move, compare);
    }

    private static long wakeOp(
            Task task, long address, int count, int count2, long address2, int operation, boolean shared) {
        if ((address & 3) != 0 || (address2 & 3) != 0) {
            return -Errno.EINVAL;
        }
        FutexTable futexes = task.kernel().futexes();
        FutexKey first = FutexKeys.of(task, address, shared, false);
        FutexKey second = FutexKeys.of(task, address2, shared, true);
        return futexes.wakeOp(task, first, second, address2, Math.max(1, count), Math.max(1, count2), operation);
    }

    private static long requeuePi(Task task, long address, int wake, int move, long lock, int compare, boolean shared) {
        // the one woken is the one who gets the lock
        if (wake != 1 || move < 0 || (address & 3) != 0 || (lock & 3) != 0) {
            return -Errno.EINVAL;
        }
        return task.kernel().futexes().conditions().move(task, address, lock, shared, move, compare);
    }
}
