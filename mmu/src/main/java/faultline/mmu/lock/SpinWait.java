package faultline.mmu.lock;

import faultline.mmu.annotation.KernelFunction;
import java.util.concurrent.locks.LockSupport;

/**
 * How a thread waits for something short: spin, then offer the processor, then sleep for growing moments; between looks
 * it serves the process-wide {@link SpinPoller}.
 */
public final class SpinWait {
    /**
     * Looks made in a busy loop before the processor is offered: longer than most holders need, on another processor.
     */
    static final int SPINS = 100;

    private static final int YIELDS = 20;
    private static final long FIRST_PARK_NANOS = 2_000;
    private static final long MAX_PARK_NANOS = 200_000;

    private static volatile SpinPoller poller;

    private SpinWait() {}

    /** Installs what {@link #poll} calls; {@code null} takes it away. One for the whole process. */
    public static void setPoller(SpinPoller newPoller) {
        poller = newPoller;
    }

    /** Lets the installed poller, if any, serve requests of other threads. */
    public static void poll() {
        SpinPoller current = poller;
        if (current != null) {
            current.poll();
        }
    }

    /**
     * One step of waiting. The caller looks again after it.
     *
     * @param step how many steps came before this one
     * @return the number to pass next time
     */
    public static int pause(int step) {
        if (step < SPINS) {
            Thread.onSpinWait();
            if ((step & 15) == 15) {
                poll();
            }
        } else if (step < SPINS + YIELDS) {
            poll();
            Thread.yield();
        } else {
            poll();
            int doublings = Math.min(step - SPINS - YIELDS, 7);
            LockSupport.parkNanos(Math.min(FIRST_PARK_NANOS << doublings, MAX_PARK_NANOS));
        }
        return step + 1;
    }

    /**
     * Waits for something that takes longer, and that nothing tells of, as schedule_timeout does.
     *
     * @param nanos how long, in ns; it may be a little longer
     */
    @KernelFunction("schedule_timeout_uninterruptible")
    public static void rest(long nanos) {
        long end = System.nanoTime() + nanos;
        int step = SPINS;
        while (System.nanoTime() - end < 0) {
            step = pause(step);
        }
    }
}
