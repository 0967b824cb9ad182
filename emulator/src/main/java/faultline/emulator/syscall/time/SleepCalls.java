package faultline.emulator.syscall.time;

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

/** nanosleep(2) and clock_nanosleep(2). */
final class SleepCalls implements SyscallFamily {
    private static final int TIMER_ABSTIME = 1;

    @Override
    public void register(SyscallTable table) {
        table.register(Nr.NANOSLEEP, "nanosleep", (task, request, remaining, a2, a3, a4, a5) -> {
            long nanos = TimeValues.readTimespec(task, request);
            return nanos < 0 ? nanos : relative(task, KernelClock.MONOTONIC, nanos, remaining);
        });
        table.register(Nr.CLOCK_NANOSLEEP, "clock_nanosleep", SleepCalls::clockNanosleep);
        table.register(
                Nr.RESTART_SYSCALL,
                "restart_syscall",
                (task, a0, a1, a2, a3, a4, a5) -> task.restartBlock().restart(task));
    }

    private static long clockNanosleep(
            Task task, long clock, long flags, long request, long remaining, long a4, long a5) {
        int id = (int) clock;
        boolean cpuClock = id == KernelClock.PROCESS_CPUTIME_ID || id < 0;
        if (id != KernelClock.THREAD_CPUTIME_ID && !cpuClock && !KernelClock.isSystemClock(id)) {
            return -Errno.EINVAL;
        }
        if (!cpuClock && !Clocks.maySleepOn(task, id)) {
            return -Errno.EOPNOTSUPP;
        }
        long nanos = TimeValues.readTimespec(task, request);
        if (nanos < 0) {
            return nanos;
        }
        boolean absolute = (flags & TIMER_ABSTIME) != 0;
        if (cpuClock) {
            return sleepOnCpuTime(task, id, absolute ? nanos : TimeValues.add(Clocks.now(task, id), nanos));
        }
        if (absolute) {
            return Sleeps.until(task, id, nanos) ? 0 : -Restart.ERESTARTNOHAND;
        }
        // relative sleeps on the realtime clock do not follow when it is set
        return relative(task, id == KernelClock.REALTIME ? KernelClock.MONOTONIC : id, nanos, remaining);
    }

    private static long relative(Task task, int clock, long nanos, long remaining) {
        long deadline = TimeValues.add(task.kernel().clock().now(clock), nanos);
        return sleep(task, clock, deadline, remaining);
    }

    @KernelFunction(value = "hrtimer_nanosleep", file = "kernel/time/hrtimer.c")
    private static long sleep(Task task, int clock, long deadline, long remaining) {
        if (Sleeps.until(task, clock, deadline)) {
            return 0;
        }
        if (remaining != 0) {
            long left = Math.max(0, deadline - task.kernel().clock().now(clock));
            TimeValues.writeTimespec(task, remaining, left);
        }
        task.setRestartBlock(again -> sleep(again, clock, deadline, remaining));
        return -Restart.ERESTART_RESTARTBLOCK;
    }

    /** The process' other tasks make this clock advance. */
    private static long sleepOnCpuTime(Task task, int clock, long deadline) {
        while (true) {
            long left = deadline - Clocks.now(task, clock);
            if (left <= 0) {
                return 0;
            }
            if (task.signalPending()) {
                return -Restart.ERESTARTNOHAND;
            }
            task.park(Math.max(left, 1_000_000));
        }
    }
}
