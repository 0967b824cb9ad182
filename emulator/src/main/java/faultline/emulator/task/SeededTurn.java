package faultline.emulator.task;

import java.util.function.LongSupplier;

/** What {@link SeededCpu} keeps of one task. Under its lock. */
final class SeededTurn {
    /** A wake-up that came while the task was not waiting: its next wait ends at once. */
    boolean woken;

    /** When the wait ends by itself, on the virtual monotonic clock. */
    long deadline;

    /** Looks whether the host has what the task waits for; null when it waits for nothing of the host's. */
    LongSupplier look;
}
