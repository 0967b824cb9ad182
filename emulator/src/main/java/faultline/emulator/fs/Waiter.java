package faultline.emulator.fs;

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
