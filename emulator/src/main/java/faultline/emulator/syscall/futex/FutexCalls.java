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

/** futex(2), futex_waitv(2), and the robust list's calls. */
public final class FutexCalls implements SyscallFamily {
    private static final int WAIT = 0;
    private static final int WAKE = 1;
    private static final int REQUEUE = 3;
    private static final int CMP_REQUEUE = 4;
    private static final int WAKE_OP = 5;
    private static final int WAIT_BITSET = 9;
    private static final int WAKE_BITSET = 10;
    private static final int PRIVATE_FLAG = 128;
    private static final int CLOCK_REALTIME_FLAG = 256;
    private static final int ROBUST_HEAD_SIZE = 24;

    @Override
    public void register(SyscallTable table) {
        table.register(Nr.FUTEX, "futex", FutexCalls::futex);
        table.register(Nr.FUTEX_WAITV, "futex_waitv", FutexWaitv::call);
        table.register(Nr.SET_ROBUST_LIST, "set_robust_list", (task, head, size, a2, a3, a4, a5) -> {
            if (size != ROBUST_HEAD_SIZE) {
                return -Errno.EINVAL;
            }
            task.setRobustList(head);
            return 0;
        });
        table.register(Nr.GET_ROBUST_LIST, "get_robust_list", FutexCalls::getRobustList);
    }

    private static long getRobustList(Task task, long tid, long head, long size, long a3, long a4, long a5) {
        Task target = (int) tid == 0 ? task : task.kernel().tasks().get((int) tid);
        if (target == null) {
            return -Errno.ESRCH;
        }
        task.user().putLong(size, ROBUST_HEAD_SIZE);
        task.user().putLong(head, target.robustList());
        return 0;
    }

    private static long futex(Task task, long address, long operation, long value, long a3, long address2, long a5) {
        int command = (int) operation & ~(PRIVATE_FLAG | CLOCK_REALTIME_FLAG);
        boolean shared = ((int) operation & PRIVATE_FLAG) == 0;
        boolean realtime = ((int) operation & CLOCK_REALTIME_FLAG) != 0;
        if (realtime && command != WAIT_BITSET && command != WAIT) {
            return -Errno.ENOSYS;
        }
        if ((address & 3) != 0) {
            return -Errno.EINVAL;
        }
        return switch (command) {
            case WAIT -> wait(task, address, (int) value, a3, FutexTable.MATCH_ANY, shared, realtime, false);
            case WAIT_BITSET -> wait(task, address, (int) value, a3, (int) a5, shared, realtime, true);
            case WAKE -> wake(task, address, (int) value, FutexTable.MATCH_ANY, shared);
            case WAKE_BITSET -> wake(task, address, (int) value, (int) a5, shared);
            case REQUEUE -> requeue(task, address, (int) value, (int) a3, address2, null, shared);
            case CMP_REQUEUE -> requeue(task, address, (int) value, (int) a3, address2, (int) a5, shared);
            case WAKE_OP -> wakeOp(task, address, (int) value, (int) a3, address2, (int) a5, shared);
            default -> -Errno.ENOSYS;
        };
    }

    private static long wait(
            Task task,
            long address,
            int value,
            long timeout,
            int bitset,
            boolean shared,
            boolean realtime,
            boolean absolute) {
        if (bitset == 0) {
            return -Errno.EINVAL;
        }
        int clock = realtime ? KernelClock.REALTIME : KernelClock.MONOTONIC;
        long deadline = Sleeps.NEVER;
        if (timeout != 0) {
            long nanos = TimeValues.readTimespec(task, timeout);
            if (nanos < 0) {
                return nanos;
            }
            deadline = absolute ? nanos : TimeValues.add(task.kernel().clock().now(clock), nanos);
        }
        return waitUntil(task, address, value, bitset, shared, clock, deadline);
    }

    private static long waitUntil(
            Task task, long address, int value, int bitset, boolean shared, int clock, long deadline) {
        FutexTable futexes = task.kernel().futexes();
        FutexKey key = futexes.key(task, address, shared, false);
        long result = futexes.wait(task, key, address, value, bitset, clock, deadline);
        if (result == -Restart.ERESTARTSYS && deadline != Sleeps.NEVER) {
            task.setRestartBlock(again -> waitUntil(again, address, value, bitset, shared, clock, deadline));
            return -Restart.ERESTART_RESTARTBLOCK;
        }
        return result;
    }

    private static long wake(Task task, long address, int count, int bitset, boolean shared) {
        if (bitset == 0) {
            return -Errno.EINVAL;
        }
        FutexTable futexes = task.kernel().futexes();
        // a count below one still wakes one, as on Linux
        return futexes.wake(futexes.key(task, address, shared, false), Math.max(1, count), bitset);
    }

    private static long requeue(
            Task task, long address, int wake, int move, long address2, Integer compare, boolean shared) {
        if (wake < 0 || move < 0 || (address2 & 3) != 0) {
            return -Errno.EINVAL;
        }
        FutexTable futexes = task.kernel().futexes();
        FutexKey from = futexes.key(task, address, shared, false);
        FutexKey to = futexes.key(task, address2, shared, false);
        return futexes.requeue(task, from, address, to, wake, move, compare);
    }

    private static long wakeOp(
            Task task, long address, int count, int count2, long address2, int operation, boolean shared) {
        if ((address2 & 3) != 0) {
            return -Errno.EINVAL;
        }
        FutexTable futexes = task.kernel().futexes();
        FutexKey first = futexes.key(task, address, shared, false);
        FutexKey second = futexes.key(task, address2, shared, true);
        return futexes.wakeOp(task, first, second, address2, Math.max(1, count), Math.max(1, count2), operation);
    }
}
