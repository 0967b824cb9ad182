package faultline.mmu.ksm;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.lock.Worker;

/** The scanner's thread: a turn, a sleep, as long as there is something to scan. */
@KernelFunction(value = "ksm_scan_thread", file = "mm/ksm.c")
public final class Ksmd implements AutoCloseable {
    private final Ksm ksm;
    private final Worker worker;

    /** Starts the thread, which sleeps until there is something to scan. */
    public Ksmd(Ksm ksm) {
        this.ksm = ksm;
        worker = new Worker("ksmd", this::turn);
        worker.setPauseMillis(() -> ksm.knobs().sleepMillisecs());
        ksm.setWake(this::wake);
    }

    private boolean turn() {
        ksm.scan();
        return ksm.hasWork();
    }

    private void wake() {
        worker.wake();
        worker.endPause();
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
        ksm.setWake(() -> {});
        worker.close();
    }
}
