package faultline.emulator.task;

import faultline.emulator.signal.SigInfo;
import faultline.emulator.signal.SignalSender;
import faultline.emulator.signal.Signals;

/**
 * The three timers of setitimer(2): real time, user time, user and system time. Nanoseconds.
 *
 * <p>Processor-time timers are looked at when at least the remaining time has passed on the clock, since a process with
 * one virtual CPU cannot use more than that.
 */
public final class IntervalTimers {
    public static final int REAL = 0;
    public static final int VIRTUAL = 1;
    public static final int PROF = 2;
    private static final int[] SIGNALS = {Signals.SIGALRM, Signals.SIGVTALRM, Signals.SIGPROF};
    private static final long LEAST_LOOK_AHEAD = 1_000_000;

    private final Process process;
    private final Timer[] timers = {new Timer(REAL), new Timer(VIRTUAL), new Timer(PROF)};

    IntervalTimers(Process process) {
        this.process = process;
    }

    private final class Timer {
        final int which;
        /** On the timer's own clock; 0 when off. */
        long expires;

        long interval;
        TimerQueue.Entry entry;

        Timer(int which) {
            this.which = which;
        }
    }

    /** Time left until the next expiry; 0 when off. */
    public synchronized long left(int which) {
        Timer timer = timers[which];
        return timer.expires == 0 ? 0 : Math.max(1_000, timer.expires - now(which));
    }

    /** Nanoseconds between expiries; 0 for one only. @param which ITIMER_* */
    public synchronized long interval(int which) {
        return timers[which].interval;
    }

    /** Sets a timer; {@code value} 0 turns it off. */
    public synchronized void set(int which, long value, long interval) {
        Timer timer = timers[which];
        process.kernel().timers().cancel(timer.entry);
        timer.interval = interval;
        timer.expires = value == 0 ? 0 : now(which) + value;
        timer.entry = null;
        if (value != 0) {
            schedule(timer);
        }
    }

    /** Turns all off, when the process ends. */
    synchronized void clear() {
        for (Timer timer : timers) {
            process.kernel().timers().cancel(timer.entry);
            timer.expires = 0;
            timer.interval = 0;
            timer.entry = null;
        }
    }

    private long now(int which) {
        return switch (which) {
            case REAL -> process.kernel().clock().now(KernelClock.MONOTONIC);
            case VIRTUAL -> process.times().user();
            default -> process.times().user() + process.times().system();
        };
    }

    private void schedule(Timer timer) {
        long left = timer.expires - now(timer.which);
        if (timer.which != REAL) {
            left = Math.max(left, LEAST_LOOK_AHEAD);
        }
        long deadline = process.kernel().clock().now(KernelClock.MONOTONIC) + Math.max(0, left);
        timer.entry = process.kernel().timers().at(deadline, () -> look(timer));
    }

    private void look(Timer timer) {
        boolean expired = false;
        synchronized (this) {
            if (timer.expires == 0) {
                return;
            }
            long now = now(timer.which);
            if (now >= timer.expires) {
                expired = true;
                if (timer.interval == 0) {
                    timer.expires = 0;
                    timer.entry = null;
                } else {
                    long missed = (now - timer.expires) / timer.interval + 1;
                    timer.expires += missed * timer.interval;
                }
            }
            if (timer.expires != 0) {
                schedule(timer);
            }
        }
        if (expired) {
            SignalSender.sendToProcess(process, SigInfo.kernel(SIGNALS[timer.which]));
        }
    }
}
