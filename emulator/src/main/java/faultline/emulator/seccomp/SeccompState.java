package faultline.emulator.seccomp;

/**
 * What a task is under. Immutable; children and the program after execve inherit it, and nothing takes it away.
 *
 * @param mode {@link #MODE_DISABLED}, {@link #MODE_STRICT} or {@link #MODE_FILTER}
 * @param filter the filters of MODE_FILTER, else null
 */
public record SeccompState(int mode, SeccompFilter filter) {
    /** Every system call is admitted, as for almost all tasks. */
    public static final int MODE_DISABLED = 0;
    /** read, write, exit and rt_sigreturn alone. */
    public static final int MODE_STRICT = 1;

    public static final int MODE_FILTER = 2;

    public static final SeccompState DISABLED = new SeccompState(MODE_DISABLED, null);
    public static final SeccompState STRICT = new SeccompState(MODE_STRICT, null);

    /** With a filter more; null when they would be too long altogether (ENOMEM). */
    public SeccompState with(BpfProgram program) {
        SeccompFilter longer = SeccompFilter.add(filter, program);
        return longer == null ? null : new SeccompState(MODE_FILTER, longer);
    }

    /** Whether a task that is under {@code this} may be put under what grew out of {@code other}. */
    public boolean isOriginOf(SeccompState other) {
        return mode == MODE_DISABLED || mode == MODE_FILTER && SeccompFilter.isAncestor(filter, other.filter);
    }

    /** Filters, as /proc/PID/status counts them. */
    public int filters() {
        return filter == null ? 0 : filter.count();
    }
}
