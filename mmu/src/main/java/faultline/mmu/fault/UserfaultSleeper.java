package faultline.mmu.fault;

import java.util.function.BooleanSupplier;

/** How a task waits for user space to provide a page; the task layer gives each task's {@link FaultContext} one. */
public interface UserfaultSleeper {
    /** The task's id, for who asked to be told. */
    int tid();

    /**
     * Waits until {@code done} holds, or a signal is due.
     *
     * @param user whether the fault is user code's: any signal ends the wait then, else only one that kills
     * @return false when a signal ended the wait
     */
    boolean sleep(BooleanSupplier done, boolean user);

    /** Makes the sleeping task look at {@code done} again. Any thread; once too often is harmless. */
    void wake();
}
