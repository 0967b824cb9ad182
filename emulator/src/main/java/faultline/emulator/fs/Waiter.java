package faultline.emulator.fs;

import java.util.function.LongSupplier;

/**
 * The task on whose behalf a file operation waits.
 *
 * <p>Implemented by the task layer; files only need to know whether a signal is due and how to be interrupted.
 */
public interface Waiter {
    /** Whether a signal is due that ends a blocking call. */
    boolean signalPending();

    /**
     * Runs something that waits in the host kernel, so that a signal can end it.
     *
     * @param wait blocks; called at most once
     * @param interrupter makes {@code wait} return soon; other threads call it, also before {@code wait} blocks
     * @return false when a signal was due already and {@code wait} was not called
     */
    boolean blockInterruptibly(Runnable wait, Runnable interrupter);

    /** Whether waits on descriptors go through {@link #awaitReady}, since who waits for whom is decided by a seed. */
    default boolean pollsHost() {
        return false;
    }

    /**
     * Waits until a look at descriptors finds something.
     *
     * @param look returns 0 while there is nothing; called by any thread
     * @param nanos the most to wait, or {@link HostWait#FOREVER}
     * @return what the look found, 0 when the time is over, {@link HostWait#INTERRUPTED} when a signal is due
     */
    default long awaitReady(LongSupplier look, long nanos) {
        throw new UnsupportedOperationException("this caller waits in the host");
    }

    /** A time for measuring waits, in nanoseconds. */
    default long nanoTime() {
        return System.nanoTime();
    }

    /** For operations of the emulator itself, which no signal interrupts. */
    Waiter UNINTERRUPTIBLE = new Waiter() {
        @Override
        public boolean signalPending() {
            return false;
        }

        @Override
        public boolean blockInterruptibly(Runnable wait, Runnable interrupter) {
            wait.run();
            return true;
        }
    };
}
