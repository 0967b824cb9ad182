package faultline.emulator.syscall.time;

import faultline.emulator.task.KernelClock;
import faultline.emulator.task.Process;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;

/** The clocks as a task may name them: the machine's, its own processor time, and those of other tasks. */
final class Clocks {
    private Clocks() {}

    /** Nanoseconds, or -EINVAL. */
    static long now(Task task, int clock) {
        if (clock < 0) {
            return dynamic(task, clock);
        }
        return switch (clock) {
            case KernelClock.PROCESS_CPUTIME_ID ->
                task.process().times().user() + task.process().times().system();
            case KernelClock.THREAD_CPUTIME_ID -> task.times().total();
            default -> task.kernel().clock().now(clock);
        };
    }

    /** A clock made from a process or thread id: {@code ~id << 3 | kind}, kind bit 2 set for a thread. */
    private static long dynamic(Task task, int clock) {
        int id = ~(clock >> 3);
        if ((clock & 3) == 3) {
            return -Errno.EINVAL;
        }
        if ((clock & 4) != 0) {
            Task target = id == 0 ? task : task.kernel().tasks().get(id);
            return target == null || target.process() != task.process()
                    ? -Errno.EINVAL
                    : target.times().total();
        }
        Process target = id == 0 ? task.process() : task.kernel().processes().get(id);
        return target == null
                ? -Errno.EINVAL
                : target.times().user() + target.times().system();
    }

    static boolean isCpuClock(int clock) {
        return clock < 0 || clock == KernelClock.PROCESS_CPUTIME_ID || clock == KernelClock.THREAD_CPUTIME_ID;
    }

    /** Whether a sleep or timer may use it: those that wake the machine only where it has a clock that could. */
    static boolean maySleepOn(Task task, int clock) {
        return clock == KernelClock.REALTIME
                || clock == KernelClock.MONOTONIC
                || clock == KernelClock.BOOTTIME
                || clock == KernelClock.TAI
                || (clock == KernelClock.REALTIME_ALARM || clock == KernelClock.BOOTTIME_ALARM)
                        && task.kernel().clock().now(clock) >= 0;
    }
}
