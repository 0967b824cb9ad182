package faultline.emulator.unicorn;

/** Called instead of one instruction (cpuid, rdtsc, rdtscp) or before it (syscall, sysenter). */
@FunctionalInterface
public interface InstructionHook {
    /** Returns whether the instruction has been done; only cpuid, rdtsc and rdtscp look at it. */
    boolean execute();
}
