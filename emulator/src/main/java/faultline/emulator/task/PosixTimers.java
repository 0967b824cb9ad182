package faultline.emulator.task;

import faultline.emulator.signal.SigInfo;
import faultline.emulator.signal.SignalSender;
import faultline.mmu.Errno;
import java.util.Map;
import java.util.TreeMap;

/** The timers of timer_create(2) of one process. Nanoseconds. Its monitor guards all of it. */
public final class PosixTimers {
    public static final int SIGEV_SIGNAL = 0;
    public static final int SIGEV_NONE = 1;
    public static final int SIGEV_THREAD = 2;
    public static final int SIGEV_THREAD_ID = 4;
    /** The largest overrun that is reported (DELAYTIMER_MAX). */
    private static final long OVERRUN_MAX = Integer.MAX_VALUE;

    private static final long LEAST_LOOK_AHEAD = 1_000_000;

    /** How a timer tells of its expiry. */
    public record Notice(int kind, int signal, long value, Task target) {}

    private static final class Timer {
        final int id;
        final int clock;
        final Notice notice;
        long expires;
        long interval;
        long overrun;
        TimerQueue.Entry entry;

        Timer(int id, int clock, Notice notice) {
            this.id = id;
            this.clock = clock;
            this.notice = notice;
        }
    }

    private final Process process;
    private final Map<Integer, Timer> timers = new TreeMap<>();
    private int nextId;

    PosixTimers(Process process) {
        this.process = process;
    }

    /** Makes a timer. Returns its id. */
    public synchronized int create(int clock, Notice notice) {
        Timer timer = new Timer(nextId++, clock, notice);
        timers.put(timer.id, timer);
        return timer.id;
    }

    /** Makes a timer that sends SIGALRM with the timer's id as its value: what a null sigevent means. */
    public synchronized int createDefault(int clock, int signal) {
        return create(clock, new Notice(SIGEV_SIGNAL, signal, nextId, null));
    }

    /** Returns 0 or -EINVAL. */
    public synchronized int delete(int id) {
        Timer timer = timers.remove(id);
        if (timer == null) {
            return -Errno.EINVAL;
        }
        process.kernel().timers().cancel(timer.entry);
        timer.expires = 0;
        return 0;
    }

    public synchronized boolean exists(int id) {
        return timers.containsKey(id);
    }

    /** Time left of an existing timer; 0 when off. */
    public synchronized long left(int id) {
        Timer timer = timers.get(id);
        return timer.expires == 0 ? 0 : Math.max(1, timer.expires - now(timer.clock));
    }

    public synchronized long interval(int id) {
        return timers.get(id).interval;
    }

    /** Expiries that the last signal stands for beyond the first. */
    public synchronized int overrun(int id) {
        return (int) Math.min(OVERRUN_MAX, timers.get(id).overrun);
    }

    /** Sets an existing timer; {@code value} 0 turns it off, {@code absolute} makes it a time of the timer's clock. */
    public synchronized void set(int id, long value, long interval, boolean absolute) {
        Timer timer = timers.get(id);
        process.kernel().timers().cancel(timer.entry);
        timer.entry = null;
        timer.interval = interval;
        timer.overrun = 0;
        timer.expires = value == 0 ? 0 : absolute ? value : now(timer.clock) + value;
        if (timer.expires != 0) {
            schedule(timer);
        }
    }

    /** Deletes all: the process ends or executes another program. */
    synchronized void clear() {
        for (Timer timer : timers.values()) {
            process.kernel().timers().cancel(timer.entry);
            timer.expires = 0;
        }
        timers.clear();
    }

    private long now(int clock) {
        return switch (clock) {
            case KernelClock.PROCESS_CPUTIME_ID, KernelClock.THREAD_CPUTIME_ID ->
                process.times().user() + process.times().system();
            default -> process.kernel().clock().now(clock);
        };
    }

    private void schedule(Timer timer) {
        long left = Math.max(0, timer.expires - now(timer.clock));
        if (timer.clock == KernelClock.PROCESS_CPUTIME_ID || timer.clock == KernelClock.THREAD_CPUTIME_ID) {
            left = Math.max(left, LEAST_LOOK_AHEAD);
        }
        long deadline = process.kernel().clock().now(KernelClock.MONOTONIC) + left;
        timer.entry = process.kernel().timers().at(deadline, () -> look(timer));
    }

    private void look(Timer timer) {
        boolean expired = false;
        synchronized (this) {
            if (timer.expires == 0) {
                return;
            }
            long now = now(timer.clock);
            if (now >= timer.expires) {
                expired = true;
                if (timer.interval == 0) {
                    timer.expires = 0;
                    timer.overrun = 0;
                } else {
                    long periods = (now - timer.expires) / timer.interval + 1;
                    timer.overrun = periods - 1;
                    timer.expires += periods * timer.interval;
                }
            }
            if (timer.expires != 0) {
                schedule(timer);
            }
        }
        if (expired) {
            send(timer);
        }
    }

    private void send(Timer timer) {
        Notice notice = timer.notice;
        if (notice.kind() == SIGEV_NONE) {
            return;
        }
        SigInfo info =
                SigInfo.timer(notice.signal(), timer.id, (int) Math.min(OVERRUN_MAX, timer.overrun), notice.value());
        if (notice.target() != null) {
            SignalSender.sendToTask(notice.target(), info);
        } else {
            SignalSender.sendToProcess(process, info);
        }
    }
}
