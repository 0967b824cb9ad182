package faultline.emulator.fs;

/** The task that makes a path call: decides what {@code /proc/self} and {@code /proc/thread-self} are. */
public interface Caller extends Waiter {
    /** Thread group id, as getpid(2) answers. */
    int pid();

    /** Thread id, as gettid(2) answers. */
    int tid();
}
