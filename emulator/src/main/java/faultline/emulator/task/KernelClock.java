package faultline.emulator.task;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.mmu.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The machine's time, in nanoseconds.
 *
 * <p>Two kinds: the host's clocks, or (with {@code --seed}) a virtual clock that starts at a fixed date, advances with
 * the guest's own work, and jumps over sleeps of all tasks, so that what a program sees of time is the same in every
 * run.
 */
public abstract class KernelClock {
    public static final int REALTIME = 0;
    public static final int MONOTONIC = 1;
    public static final int PROCESS_CPUTIME_ID = 2;
    public static final int THREAD_CPUTIME_ID = 3;
    public static final int MONOTONIC_RAW = 4;
    public static final int REALTIME_COARSE = 5;
    public static final int MONOTONIC_COARSE = 6;
    public static final int BOOTTIME = 7;
    public static final int REALTIME_ALARM = 8;
    public static final int BOOTTIME_ALARM = 9;
    public static final int TAI = 11;

    /** Reads a clock that is the same for all tasks. Returns nanoseconds, or -EINVAL for another clock. */
    public abstract long now(int clock);

    /** Whether time jumps over sleeps instead of passing. */
    public abstract boolean isVirtual();

    /** Lets virtual time pass; nothing for the host's clock. */
    public abstract void advance(long nanos);

    /** The host's clocks. */
    public static KernelClock host() {
        return new HostClock();
    }

    /** A clock that is the same in every run. */
    public static KernelClock virtual() {
        return new VirtualClock();
    }

    /** Whether {@link #now} knows this clock. */
    public static boolean isSystemClock(int clock) {
        return clock == REALTIME
                || clock == MONOTONIC
                || clock >= MONOTONIC_RAW && clock <= BOOTTIME_ALARM
                || clock == TAI;
    }

    private static final class HostClock extends KernelClock {
        @Override
        public long now(int clock) {
            if (!isSystemClock(clock)) {
                return -Errno.EINVAL;
            }
            MemorySegment time = HostScratch.get().waitBlock();
            long result = Libc.call(Nr.CLOCK_GETTIME, clock, time.address());
            if (result < 0) {
                return result;
            }
            return time.get(ValueLayout.JAVA_LONG, 0) * 1_000_000_000L + time.get(ValueLayout.JAVA_LONG, 8);
        }

        @Override
        public boolean isVirtual() {
            return false;
        }

        @Override
        public void advance(long nanos) {
            // the host's time passes by itself
        }
    }

    private static final class VirtualClock extends KernelClock {
        /** 2026-01-01 00:00:00 UTC. */
        private static final long EPOCH_NANOS = 1_767_225_600_000_000_000L;

        private final AtomicLong monotonic = new AtomicLong(1_000_000_000L);

        @Override
        public long now(int clock) {
            if (!isSystemClock(clock)) {
                return -Errno.EINVAL;
            }
            long now = monotonic.get();
            return switch (clock) {
                case REALTIME, REALTIME_COARSE, REALTIME_ALARM -> EPOCH_NANOS + now;
                case TAI -> EPOCH_NANOS + now + 37_000_000_000L;
                default -> now;
            };
        }

        @Override
        public boolean isVirtual() {
            return true;
        }

        @Override
        public void advance(long nanos) {
            if (nanos > 0) {
                monotonic.addAndGet(nanos);
            }
        }
    }
}
