package faultline.emulator.seccomp;

import faultline.mmu.annotation.KernelFunction;

/**
 * A filter and those that were there before it, all of which are asked. Immutable.
 *
 * @param program what decides
 * @param previous the filter before; null for the first
 * @param count filters, this one included
 * @param pathLength translated instructions of all, and what each costs besides
 */
public record SeccompFilter(BpfProgram program, SeccompFilter previous, int count, int pathLength) {
    /** SECCOMP_RET_*: the upper half of a verdict. The least, as a signed number, wins. */
    public static final int KILL_PROCESS = 0x80000000;

    public static final int KILL_THREAD = 0x00000000;
    public static final int TRAP = 0x00030000;
    public static final int ERRNO = 0x00050000;
    public static final int TRACE = 0x7ff00000;
    public static final int LOG = 0x7ffc0000;
    public static final int ALLOW = 0x7fff0000;

    private static final int ACTION = 0xffff0000;
    private static final int MOST_IN_ALL = 32768;
    private static final int COST_OF_ONE = 4;

    /** A filter more; null when they would be too long altogether (ENOMEM). */
    @KernelFunction(value = "seccomp_attach_filter", file = "kernel/seccomp.c")
    static SeccompFilter add(SeccompFilter previous, BpfProgram program) {
        int length = program.translatedLength() + (previous == null ? 0 : previous.pathLength + COST_OF_ONE);
        return length > MOST_IN_ALL
                ? null
                : new SeccompFilter(program, previous, previous == null ? 1 : previous.count + 1, length);
    }

    /** The action of a verdict. */
    public static int action(int verdict) {
        return verdict & ACTION;
    }

    /** The lower half of a verdict: an errno, what a handler or tracer is told. */
    public static int data(int verdict) {
        return verdict & ~ACTION;
    }

    /** The verdict on a call: that of the strictest, among equals the one that came last. */
    @KernelFunction(value = "seccomp_run_filters", file = "kernel/seccomp.c")
    public int verdict(SeccompData call) {
        int strictest = ALLOW;
        for (SeccompFilter filter = this; filter != null; filter = filter.previous) {
            int verdict = filter.program.run(call);
            if (action(verdict) < action(strictest)) {
                strictest = verdict;
            }
        }
        return strictest;
    }

    /** Whether this filter is {@code other} or was put before it later. */
    @KernelFunction(value = "is_ancestor", file = "kernel/seccomp.c")
    static boolean isAncestor(SeccompFilter ancestor, SeccompFilter other) {
        if (ancestor == null) {
            return true;
        }
        for (SeccompFilter filter = other; filter != null; filter = filter.previous) {
            if (filter == ancestor) {
                return true;
            }
        }
        return false;
    }
}
