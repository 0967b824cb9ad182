package faultline.emulator.syscall.time;

import faultline.emulator.host.Nr;
import faultline.emulator.signal.Signals;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.IntervalTimers;
import faultline.emulator.task.KernelClock;
import faultline.emulator.task.PosixTimers;
import faultline.emulator.task.Task;
import faultline.emulator.task.TimeValues;
import faultline.mmu.Errno;

/** Interval timers and POSIX timers. */
final class TimerCalls implements SyscallFamily {
    private static final int TIMER_ABSTIME = 1;

    @Override
    public void register(SyscallTable table) {
        table.register(Nr.ALARM, "alarm", TimerCalls::alarm);
        table.register(Nr.GETITIMER, "getitimer", (task, which, value, a2, a3, a4, a5) -> {
            if (which < 0 || which > IntervalTimers.PROF) {
                return -Errno.EINVAL;
            }
            writeIntervalTimer(task, (int) which, value);
            return 0;
        });
        table.register(Nr.SETITIMER, "setitimer", TimerCalls::setIntervalTimer);
        table.register(Nr.TIMER_CREATE, "timer_create", TimerCalls::create);
        table.register(
                Nr.TIMER_DELETE,
                "timer_delete",
                (task, id, a1, a2, a3, a4, a5) -> task.process().posixTimers().delete((int) id));
        table.register(Nr.TIMER_GETTIME, "timer_gettime", (task, id, value, a2, a3, a4, a5) -> {
            if (!task.process().posixTimers().exists((int) id)) {
                return -Errno.EINVAL;
            }
            write(task, (int) id, value);
            return 0;
        });
        table.register(
                Nr.TIMER_GETOVERRUN,
                "timer_getoverrun",
                (task, id, a1, a2, a3, a4, a5) -> task.process().posixTimers().exists((int) id)
                        ? task.process().posixTimers().overrun((int) id)
                        : -Errno.EINVAL);
        table.register(Nr.TIMER_SETTIME, "timer_settime", TimerCalls::set);
    }

    private static long alarm(Task task, long seconds, long a1, long a2, long a3, long a4, long a5) {
        IntervalTimers timers = task.process().intervalTimers();
        long left = timers.left(IntervalTimers.REAL);
        timers.set(IntervalTimers.REAL, (seconds & 0xffffffffL) * TimeValues.NANOS, 0);
        // rounds to the nearest second, but never down to "no alarm was set"
        long rounded = left / TimeValues.NANOS + (left % TimeValues.NANOS >= TimeValues.NANOS / 2 ? 1 : 0);
        return left == 0 ? 0 : Math.max(1, rounded);
    }

    private static void writeIntervalTimer(Task task, int which, long address) {
        IntervalTimers timers = task.process().intervalTimers();
        TimeValues.writeTimeval(task, address, timers.interval(which));
        TimeValues.writeTimeval(task, address + 16, timers.left(which));
    }

    private static long setIntervalTimer(Task task, long which, long value, long old, long a3, long a4, long a5) {
        if (which < 0 || which > IntervalTimers.PROF) {
            return -Errno.EINVAL;
        }
        long interval = 0;
        long first = 0;
        if (value != 0) {
            interval = TimeValues.readTimeval(task, value);
            first = TimeValues.readTimeval(task, value + 16);
            if (interval < 0 || first < 0) {
                return -Errno.EINVAL;
            }
        }
        if (old != 0) {
            writeIntervalTimer(task, (int) which, old);
        }
        task.process().intervalTimers().set((int) which, first, interval);
        return 0;
    }

    private static long create(Task task, long clock, long event, long result, long a3, long a4, long a5) {
        int id = (int) clock;
        if (!Clocks.maySleepOn(task, id) && !Clocks.isCpuClock(id)) {
            return KernelClock.isSystemClock(id) ? -Errno.EOPNOTSUPP : -Errno.EINVAL;
        }
        PosixTimers timers = task.process().posixTimers();
        int timer;
        if (event == 0) {
            timer = timers.createDefault(id, Signals.SIGALRM);
        } else {
            long value = task.user().getLong(event);
            int signal = task.user().getInt(event + 8);
            int kind = task.user().getInt(event + 12);
            Task target = null;
            if (kind == PosixTimers.SIGEV_THREAD_ID) {
                target = task.kernel().tasks().get(task.user().getInt(event + 16));
                if (target == null || target.process() != task.process()) {
                    return -Errno.EINVAL;
                }
            } else if (kind != PosixTimers.SIGEV_NONE
                    && kind != PosixTimers.SIGEV_SIGNAL
                    && kind != PosixTimers.SIGEV_THREAD) {
                return -Errno.EINVAL;
            }
            if (kind != PosixTimers.SIGEV_NONE && !Signals.isValid(signal)) {
                return -Errno.EINVAL;
            }
            timer = timers.create(id, new PosixTimers.Notice(kind, signal, value, target));
        }
        task.user().putInt(result, timer);
        return 0;
    }

    private static void write(Task task, int id, long address) {
        PosixTimers timers = task.process().posixTimers();
        TimeValues.writeTimespec(task, address, timers.interval(id));
        TimeValues.writeTimespec(task, address + 16, timers.left(id));
    }

    private static long set(Task task, long id, long flags, long value, long old, long a4, long a5) {
        if (value == 0) {
            return -Errno.EINVAL;
        }
        long interval = TimeValues.readTimespec(task, value);
        long first = TimeValues.readTimespec(task, value + 16);
        if (interval < 0 || first < 0) {
            return -Errno.EINVAL;
        }
        if (!task.process().posixTimers().exists((int) id)) {
            return -Errno.EINVAL;
        }
        if (old != 0) {
            write(task, (int) id, old);
        }
        task.process().posixTimers().set((int) id, first, interval, (flags & TIMER_ABSTIME) != 0);
        return 0;
    }
}
