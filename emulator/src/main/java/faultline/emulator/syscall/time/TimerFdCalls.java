package faultline.emulator.syscall.time;

import faultline.emulator.fs.OpenFile;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.KernelClock;
import faultline.emulator.task.Rlimits;
import faultline.emulator.task.Task;
import faultline.emulator.task.TimeValues;
import faultline.emulator.task.TimerFile;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.util.function.ToLongFunction;

/** timerfd_create(2), timerfd_settime(2), timerfd_gettime(2). */
final class TimerFdCalls implements SyscallFamily {
    private static final int TIMER_ABSTIME = 1;
    private static final int TIMER_CANCEL_ON_SET = 2;

    @Override
    public void register(SyscallTable table) {
        table.register(Nr.TIMERFD_CREATE, "timerfd_create", TimerFdCalls::create);
        table.register(Nr.TIMERFD_SETTIME, "timerfd_settime", TimerFdCalls::set);
        table.register(
                Nr.TIMERFD_GETTIME,
                "timerfd_gettime",
                (task, fd, value, a2, a3, a4, a5) -> on(task, fd, timer -> {
                    write(task, timer, value);
                    return 0;
                }));
    }

    @KernelFunction(value = "sys_timerfd_create", file = "fs/timerfd.c")
    private static long create(Task task, long clock, long flags, long a2, long a3, long a4, long a5) {
        int id = (int) clock;
        boolean wakes = id == KernelClock.REALTIME_ALARM || id == KernelClock.BOOTTIME_ALARM;
        boolean known =
                wakes || id == KernelClock.REALTIME || id == KernelClock.MONOTONIC || id == KernelClock.BOOTTIME;
        if (((int) flags & ~(OpenFlags.O_CLOEXEC | OpenFlags.O_NONBLOCK)) != 0 || !known) {
            return -Errno.EINVAL;
        }
        if (wakes && task.credentials().effective() != 0) {
            return -Errno.EPERM;
        }
        TimerFile file = TimerFile.create(task.kernel(), id, (int) flags);
        if (file == null) {
            return -Errno.EMFILE;
        }
        long limit = task.process().rlimits().soft(Rlimits.NOFILE);
        int fd = task.files().install(file, 0, (flags & OpenFlags.O_CLOEXEC) != 0, limit);
        if (fd < 0) {
            file.put();
        }
        return fd;
    }

    private static long on(Task task, long fd, ToLongFunction<TimerFile> body) {
        OpenFile file = task.files().get((int) fd);
        if (file == null) {
            return -Errno.EBADF;
        }
        try {
            return file instanceof TimerFile timer ? body.applyAsLong(timer) : -Errno.EINVAL;
        } finally {
            file.put();
        }
    }

    private static void write(Task task, TimerFile timer, long address) {
        long left = timer.left();
        TimeValues.writeTimespec(task, address, timer.interval());
        TimeValues.writeTimespec(task, address + 16, left);
    }

    @KernelFunction(value = "sys_timerfd_settime", file = "fs/timerfd.c")
    private static long set(Task task, long fd, long flags, long value, long old, long a4, long a5) {
        long interval = TimeValues.readTimespec(task, value);
        long first = TimeValues.readTimespec(task, value + 16);
        if (interval < 0 || first < 0 || ((int) flags & ~(TIMER_ABSTIME | TIMER_CANCEL_ON_SET)) != 0) {
            return -Errno.EINVAL;
        }
        return on(task, fd, timer -> {
            if (old != 0) {
                write(task, timer, old);
            }
            timer.set(first, interval, (flags & TIMER_ABSTIME) != 0);
            return 0;
        });
    }
}
