package faultline.emulator.task;

import faultline.mmu.ksm.Ksm;

/**
 * Gives the scanner of same-page merging its turns where the machine has no threads of its own, since all that happens
 * is to depend on the seed alone: by the machine's clock, between two turns of tasks.
 */
final class KsmTurns {
    private static final long NANOS_PER_MILLI = 1_000_000;

    private final Ksm ksm;
    private final TimerQueue timers;
    private final KernelClock clock;
    private TimerQueue.Entry next;

    KsmTurns(Ksm ksm, TimerQueue timers, KernelClock clock) {
        this.ksm = ksm;
        this.timers = timers;
        this.clock = clock;
    }

    /** There may be something to scan, or the time until then has changed. */
    synchronized void wake() {
        timers.cancel(next);
        next = ksm.hasWork() ? timers.at(deadline(), this::turn) : null;
    }

    private void turn() {
        ksm.scan();
        wake();
    }

    /** A turn takes no time by this clock: without a pause there would be nothing but turns. */
    private long deadline() {
        long pause = Math.max(1, ksm.knobs().sleepMillisecs());
        return clock.now(KernelClock.MONOTONIC) + pause * NANOS_PER_MILLI;
    }
}
