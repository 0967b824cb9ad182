package faultline.emulator.unicorn;

/** Called instead of an {@code in} or {@code out} instruction, which Unicorn executes at any privilege level. */
@FunctionalInterface
public interface PortHook {
    /** An access of {@code size} bytes to {@code port}. */
    void access(int port, int size);
}
