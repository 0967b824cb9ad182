package faultline.emulator.unicorn;

/** Told of software interrupts and of exceptions other than page faults and invalid instructions. */
@FunctionalInterface
public interface InterruptHook {
    /** Vector {@code vector} was raised; RIP is after the instruction for traps, on it for faults. */
    void interrupt(int vector);
}
