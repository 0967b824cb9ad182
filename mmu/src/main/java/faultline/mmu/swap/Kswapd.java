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
    private static final int STRIDES = 16;

    private final Reclaimer reclaimer;
    private final FrameAllocator allocator;
    private final Worker worker;
    /** Strides in a row that freed nothing; the worker's own. */
    private int fruitless;

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
            fruitless = 0;
            return false;
        }
        fruitless = reclaimer.shrinkInBackground(STRIDES) > 0 ? 0 : fruitless + STRIDES;
        if (fruitless <= reclaimer.stridesToTheEnd()) {
            givenUpAt = -1;
            return true;
        }
        fruitless = 0;
        givenUpAt = stolenByOthers();
        return false;
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
