package faultline.mmu.swap;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.lock.Worker;
import faultline.mmu.phys.FrameAllocator;

/**
 * Frees frames in the background: from the low watermark, at which allocation wakes it, to the high one, so that most
 * tasks never have to look for frames themselves.
 *
 * <p>When it has looked at everything as often as it can matter and still freed nothing it gives up until a task that
 * reclaims for itself has had more luck, as Linux's does; else it would use up a processor just when memory is short.
 */
@KernelFunction(value = "kswapd", file = "mm/vmscan.c")
public final class Kswapd implements AutoCloseable {
    private final Reclaimer reclaimer;
    private final FrameAllocator allocator;
    private final Worker worker;
    /** What the next pass looks at; the worker's own, as is the next. */
    private int priority = Reclaimer.FIRST_PRIORITY;

    /** How often in a row all passes freed nothing (kswapd_failures). */
    private int failures;

    /** Frames that others had freed when this gave up; -1 while it has not. */
    private volatile long givenUpAt = -1;

    /** Starts the thread, which sleeps until the reclaimer is woken. */
    public Kswapd(Reclaimer reclaimer, FrameAllocator allocator) {
        this.reclaimer = reclaimer;
        this.allocator = allocator;
        worker = new Worker("kswapd0", this::balance);
        reclaimer.setBackground(this::wake);
    }

    private void wake() {
        if (givenUpAt != stolenByOthers()) {
            worker.wake();
        }
    }

    private long stolenByOthers() {
        return reclaimer.stolen() - reclaimer.stolenInBackground();
    }

    /** A piece of work. @return whether more is needed, and possible */
    @KernelFunction(value = "balance_pgdat", file = "mm/vmscan.c")
    private boolean balance() {
        if (allocator.freeFrames() >= allocator.highWatermark()) {
            priority = Reclaimer.FIRST_PRIORITY;
            failures = 0;
            return false;
        }
        if (reclaimer.shrinkInBackground(priority) > 0) {
            failures = 0;
        } else if (priority > 0) {
            priority--;
        } else {
            failures++;
            priority = Reclaimer.FIRST_PRIORITY;
        }
        if (failures < Reclaimer.RETRIES) {
            givenUpAt = -1;
            return true;
        }
        failures = 0;
        givenUpAt = stolenByOthers();
        return false;
    }

    /** Says who hears of an exception that ends the thread. */
    public void setUncaughtExceptionHandler(Thread.UncaughtExceptionHandler watch) {
        worker.setUncaughtExceptionHandler(watch);
    }

    /** Runs {@code task} while this does nothing. */
    public void whileResting(Runnable task) {
        worker.whileResting(task);
    }

    /** Ends the thread and waits until it has ended. */
    @Override
    public void close() {
        reclaimer.setBackground(null);
        worker.close();
    }
}
