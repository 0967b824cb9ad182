package faultline.emulator.task;

import faultline.emulator.fs.ReadinessFile;
import faultline.emulator.fs.Waiter;
import faultline.emulator.host.OpenFlags;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A timer that is read (timerfd_create(2)). The object's monitor guards it.
 *
 * <p>As in the kernel a periodic timer that has expired is not armed again before somebody looks: reading then counts
 * the periods that have passed. TFD_TIMER_CANCEL_ON_SET is accepted; a guest cannot set the clock, so nothing cancels.
 */
public final class TimerFile extends ReadinessFile {
    private final KernelClock clock;
    private final TimerQueue timers;
    private final int clockId;

    /** Time of the next expiry, of the timer's clock; 0 when off. */
    private long expires;

    private long interval;
    private long ticks;
    /** It has expired and is not armed. */
    private boolean expired;

    private TimerQueue.Entry entry;

    private TimerFile(Kernel kernel, int clockId, long eventFd, int flags) {
        super("anon_inode:[timerfd]", eventFd, OpenFlags.O_RDWR | flags & OpenFlags.O_NONBLOCK);
        this.clock = kernel.clock();
        this.timers = kernel.timers();
        // a machine that never sleeps needs no clock that wakes it
        this.clockId = clockId == KernelClock.REALTIME_ALARM
                ? KernelClock.REALTIME
                : clockId == KernelClock.BOOTTIME_ALARM ? KernelClock.BOOTTIME : clockId;
    }

    /**
     * A timer that is off.
     *
     * @param clockId one of {@link KernelClock}'s that can be slept on
     * @param flags O_NONBLOCK or 0
     * @return null when the host has no descriptors left
     */
    public static TimerFile create(Kernel kernel, int clockId, int flags) {
        long eventFd = makeEventFd();
        return eventFd < 0 ? null : new TimerFile(kernel, clockId, eventFd, flags);
    }

    /**
     * Sets it: {@code value} 0 turns it off, {@code absolute} makes it a time of the clock. Forgets what was not read.
     */
    @KernelFunction(value = "do_timerfd_settime", file = "fs/timerfd.c")
    public synchronized void set(long value, long newInterval, boolean absolute) {
        timers.cancel(entry);
        entry = null;
        ticks = 0;
        expired = false;
        drain();
        interval = newInterval;
        expires = value == 0 ? 0 : absolute ? value : TimeValues.add(clock.now(clockId), value);
        arm();
    }

    private void arm() {
        if (expires != 0) {
            long left = Math.max(0, expires - clock.now(clockId));
            entry = timers.at(TimeValues.add(clock.now(KernelClock.MONOTONIC), left), this::look);
        }
    }

    private synchronized void look() {
        if (expires == 0 || expired) {
            return;
        }
        if (clock.now(clockId) < expires) {
            arm();
            return;
        }
        expired = true;
        ticks++;
        raise();
    }

    /** Counts the periods that have passed since the timer expired, and arms it for the next one. */
    @KernelFunction(value = "hrtimer_forward_now", file = "include/linux/hrtimer.h")
    private void goOn() {
        if (!expired) {
            return;
        }
        expired = false;
        if (interval == 0) {
            expires = 0;
            return;
        }
        long periods = (clock.now(clockId) - expires) / interval + 1;
        ticks += periods - 1;
        expires += periods * interval;
        arm();
    }

    /** Nanoseconds until the next expiry; 0 when off. */
    public synchronized long left() {
        goOn();
        return expires == 0 ? 0 : Math.max(1, expires - clock.now(clockId));
    }

    /** Nanoseconds between expiries; 0 for one only. */
    public synchronized long interval() {
        return interval;
    }

    @Override
    @KernelFunction(value = "timerfd_read_iter", file = "fs/timerfd.c")
    protected synchronized long take(Waiter waiter, MemorySegment to, long length) {
        if (length < Long.BYTES) {
            return -Errno.EINVAL;
        }
        if (ticks == 0) {
            return -Errno.EAGAIN;
        }
        goOn();
        to.set(ValueLayout.JAVA_LONG_UNALIGNED, 0, ticks);
        ticks = 0;
        drain();
        return Long.BYTES;
    }

    @Override
    protected void release() {
        synchronized (this) {
            timers.cancel(entry);
            // one that fires at this moment finds nothing to do, and no descriptor
            expires = 0;
            super.release();
        }
    }
}
