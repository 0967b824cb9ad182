package faultline.mmu.lock;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/**
 * A thread of the kernel's own (Linux: kthread) that sleeps until it is woken, then works a piece at a time until there
 * is no more to do.
 */
public final class Worker implements AutoCloseable {
    private final BooleanSupplier piece;
    private final Thread thread;
    /** Held during each piece, so that somebody who wants the machine at rest can have it so. */
    private final ReentrantLock working = new ReentrantLock();

    private volatile LongSupplier pauseMillis = () -> 0;
    private volatile boolean wanted;
    private volatile boolean stopped;

    /**
     * Starts the thread.
     *
     * @param piece does a piece of work; returns whether there is more to do
     */
    public Worker(String name, BooleanSupplier piece) {
        this.piece = piece;
        thread = Thread.ofPlatform().daemon().name(name).unstarted(this::run);
        thread.start();
    }

    /** Says who hears of a piece that throws; the thread has then ended. */
    public void setUncaughtExceptionHandler(Thread.UncaughtExceptionHandler watch) {
        thread.setUncaughtExceptionHandler(watch);
    }

    /** Says how long the thread sleeps after a piece that leaves more to do; asked each time. */
    public void setPauseMillis(LongSupplier millis) {
        pauseMillis = millis;
    }

    /** Ends the sleep at hand, if there is one: it might be shorter now. */
    public void endPause() {
        LockSupport.unpark(thread);
    }

    /** There is work to do. Any thread; does not wait. */
    public void wake() {
        if (!wanted) {
            wanted = true;
            LockSupport.unpark(thread);
        }
    }

    private void run() {
        while (!stopped) {
            if (!wanted) {
                LockSupport.park(this);
            } else {
                // First: who asks for more while a piece is being done is not forgotten.
                wanted = false;
                if (workOnce()) {
                    wanted = true;
                    pause();
                }
            }
        }
    }

    private void pause() {
        long millis = pauseMillis.getAsLong();
        if (millis > 0 && !stopped) {
            LockSupport.parkNanos(this, TimeUnit.MILLISECONDS.toNanos(millis));
        }
    }

    private boolean workOnce() {
        working.lock();
        try {
            return piece.getAsBoolean();
        } finally {
            working.unlock();
        }
    }

    /** Runs {@code task} while this does nothing. */
    public void whileResting(Runnable task) {
        working.lock();
        try {
            task.run();
        } finally {
            working.unlock();
        }
    }

    /** Ends the thread after the piece at hand, and waits until it has ended. */
    @Override
    public void close() {
        stopped = true;
        LockSupport.unpark(thread);
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
