package faultline.emulator.syscall.time;

import faultline.emulator.host.Nr;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.KernelClock;
import faultline.emulator.task.Task;
import faultline.emulator.task.TimeValues;
import faultline.mmu.Errno;

/** Reading clocks. Setting them is refused: the guest has no business with the host's time. */
final class ClockCalls implements SyscallFamily {
    private static final int COARSE_RESOLUTION = 4_000_000;

    @Override
    public void register(SyscallTable table) {
        table.register(Nr.CLOCK_GETTIME, "clock_gettime", ClockCalls::getTime);
        table.register(Nr.CLOCK_GETRES, "clock_getres", ClockCalls::getResolution);
        table.register(
                Nr.CLOCK_SETTIME,
                "clock_settime",
                (task, clock, a1, a2, a3, a4, a5) -> clock == KernelClock.REALTIME ? -Errno.EPERM : -Errno.EINVAL);
        table.register(Nr.GETTIMEOFDAY, "gettimeofday", ClockCalls::getTimeOfDay);
        table.register(Nr.SETTIMEOFDAY, "settimeofday", (task, a0, a1, a2, a3, a4, a5) -> -Errno.EPERM);
        table.register(Nr.TIME, "time", (task, result, a1, a2, a3, a4, a5) -> {
            long seconds = task.kernel().clock().now(KernelClock.REALTIME) / TimeValues.NANOS;
            if (result != 0) {
                task.user().putLong(result, seconds);
            }
            return seconds;
        });
        table.register(Nr.ADJTIMEX, "adjtimex", (task, a0, a1, a2, a3, a4, a5) -> -Errno.EPERM);
        table.register(Nr.CLOCK_ADJTIME, "clock_adjtime", (task, a0, a1, a2, a3, a4, a5) -> -Errno.EPERM);
    }

    private static long getTime(Task task, long clock, long result, long a2, long a3, long a4, long a5) {
        long now = Clocks.now(task, (int) clock);
        if (now < 0) {
            return now;
        }
        TimeValues.writeTimespec(task, result, now);
        return 0;
    }

    private static long getResolution(Task task, long clock, long result, long a2, long a3, long a4, long a5) {
        int id = (int) clock;
        if (!KernelClock.isSystemClock(id) && !Clocks.isCpuClock(id)) {
            return -Errno.EINVAL;
        }
        if (result != 0) {
            boolean coarse = id == KernelClock.REALTIME_COARSE || id == KernelClock.MONOTONIC_COARSE;
            TimeValues.writeTimespec(task, result, coarse ? COARSE_RESOLUTION : 1);
        }
        return 0;
    }

    private static long getTimeOfDay(Task task, long time, long zone, long a2, long a3, long a4, long a5) {
        if (time != 0) {
            TimeValues.writeTimeval(task, time, task.kernel().clock().now(KernelClock.REALTIME));
        }
        if (zone != 0) {
            task.user().putLong(zone, 0);
        }
        return 0;
    }
}
