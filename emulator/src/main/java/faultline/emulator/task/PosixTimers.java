package faultline.emulator.task;

import faultline.emulator.signal.SigInfo;
import faultline.emulator.signal.SignalSender;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;

/** The timers of timer_create(2) of one process. Nanoseconds. Its monitor guards all of it. */
public final class PosixTimers {
    public static final int SIGEV_SIGNAL = 0;
    public static final int SIGEV_NONE = 1;
    public static final int SIGEV_THREAD = 2;
    public static final int SIGEV_THREAD_ID = 4;
    /** The largest overrun that is reported (DELAYTIMER_MAX). */
    private static final long OVERRUN_MAX = Integer.MAX_VALUE;

    private static final int OWN_PROCESS_CPUCLOCK = -6;
    private static final int OWN_THREAD_CPUCLOCK = -2;
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
        /** Its signal waits to be taken: until then it is not armed. */
        boolean pending;

        TimerQueue.Entry entry;

        Timer(int id, int clock, Notice notice) {
            this.id = id;
            this.clock = clock;
            this.notice = notice;
        }
    }

    private final Process process;
    private final NavigableMap<Integer, Timer> timers = new TreeMap<>();
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

    /** Whether the process has a timer of this id. */
    public synchronized boolean exists(int id) {
        return timers.containsKey(id);
    }

    /** Time left of an existing timer; 0 when off. */
    public synchronized long left(int id) {
        Timer timer = timers.get(id);
        if (timer.expires == 0) {
            return 0;
        }
        long left = timer.expires - now(timer.clock);
        if (left <= 0 && timer.interval == 0) {
            return timer.notice.kind() == SIGEV_NONE ? 0 : 1;
        }
        return left > 0 ? left : timer.interval - -left % timer.interval;
    }

    /** Nanoseconds between expiries; 0 for one only. */
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
        timer.pending = false;
        timer.expires = value == 0 ? 0 : absolute ? value : now(timer.clock) + value;
        if (timer.expires != 0) {
            schedule(timer);
        }
    }

    /** /proc/PID/timers: four lines a timer, the newest first. */
    @KernelFunction(value = "show_timer", file = "fs/proc/base.c")
    public synchronized String text(int pid) {
        StringBuilder out = new StringBuilder();
        for (Timer timer : timers.descendingMap().values()) {
            Notice notice = timer.notice;
            String kind = List.of("signal", "none", "thread").get(notice.kind() & ~SIGEV_THREAD_ID);
            boolean toTask = (notice.kind() & SIGEV_THREAD_ID) != 0;
            out.append(String.format(
                    "ID: %d\nsignal: %d/%016x\nnotify: %s/%s.%d\nClockID: %d\n",
                    timer.id,
                    notice.signal(),
                    notice.value(),
                    kind,
                    toTask ? "tid" : "pid",
                    toTask ? notice.target().tid() : pid,
                    shownClock(timer.clock)));
        }
        return out.toString();
    }

    /**
     * CPU clocks of one's own are shown as what they are made into: MAKE_PROCESS_CPUCLOCK and MAKE_THREAD_CPUCLOCK of
     * 0.
     */
    private static int shownClock(int clock) {
        return switch (clock) {
            case KernelClock.PROCESS_CPUTIME_ID -> OWN_PROCESS_CPUCLOCK;
            case KernelClock.THREAD_CPUTIME_ID -> OWN_THREAD_CPUCLOCK;
            default -> clock;
        };
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
        if (timer.notice.kind() == SIGEV_NONE) {
            // nobody is told: whoever asks computes
            return;
        }
        long left = Math.max(0, timer.expires - now(timer.clock));
        if (timer.clock == KernelClock.PROCESS_CPUTIME_ID || timer.clock == KernelClock.THREAD_CPUTIME_ID) {
            left = Math.max(left, LEAST_LOOK_AHEAD);
        }
        armIn(timer, left);
    }

    private void armIn(Timer timer, long nanos) {
        long deadline = TimeValues.add(process.kernel().clock().now(KernelClock.MONOTONIC), nanos);
        timer.entry = process.kernel().timers().at(deadline, () -> look(timer));
    }

    @KernelFunction(value = "posix_timer_fn", file = "kernel/time/posix-timers.c")
    private void look(Timer timer) {
        synchronized (this) {
            if (timer.expires == 0 || timer.pending) {
                return;
            }
            if (now(timer.clock) < timer.expires) {
                schedule(timer);
                return;
            }
            timer.pending = true;
        }
        if (!send(timer)) {
            synchronized (this) {
                // ignored: somebody may want it later
                timer.pending = false;
                goOn(timer);
                if (timer.expires != 0) {
                    process.kernel().timers().cancel(timer.entry);
                    armIn(timer, Math.max(LEAST_LOOK_AHEAD, timer.expires - now(timer.clock)));
                }
            }
        }
    }

    /** Counts the periods since the timer expired, and arms it for the next one. */
    private void goOn(Timer timer) {
        timer.overrun = 0;
        if (timer.interval == 0) {
            timer.expires = 0;
        } else if (timer.expires != 0) {
            long periods = (now(timer.clock) - timer.expires) / timer.interval + 1;
            timer.overrun = periods - 1;
            timer.expires += periods * timer.interval;
            schedule(timer);
        }
    }

    /**
     * A timer's signal is about to be delivered: only now the timer goes on, so that a short period cannot keep the
     * machine busy with a signal that nobody takes. Called with the handlers' monitor held.
     *
     * @return the signal with the overruns up to now
     */
    @KernelFunction(value = "posixtimer_deliver_signal", file = "kernel/time/posix-timers.c")
    public synchronized SigInfo taken(SigInfo info) {
        Timer timer = timers.get(info.pid());
        if (timer == null || !timer.pending) {
            return info;
        }
        timer.pending = false;
        goOn(timer);
        return info(timer);
    }

    private static SigInfo info(Timer timer) {
        int overrun = (int) Math.min(OVERRUN_MAX, timer.overrun);
        return SigInfo.timer(timer.notice.signal(), timer.id, overrun, timer.notice.value());
    }

    /** Returns whether the signal waits now; false where it is ignored. */
    private boolean send(Timer timer) {
        Task target = timer.notice.target();
        return target != null
                ? SignalSender.sendToTask(target, info(timer))
                : SignalSender.sendToProcess(process, info(timer));
    }
}
