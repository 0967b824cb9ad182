package faultline.emulator.task;

/**
 * What clone(2) or clone3(2) asks for.
 *
 * @param flags CLONE_* bits without the exit signal
 * @param exitSignal the parent gets it when the child ends; 0 for none
 * @param stack the child's stack pointer; 0 to keep the parent's
 * @param parentTid where CLONE_PARENT_SETTID writes
 * @param childTid where CLONE_CHILD_SETTID and CLONE_CHILD_CLEARTID write
 * @param tls the FS base with CLONE_SETTLS
 * @param pidfd where CLONE_PIDFD writes
 * @param cgroup descriptor of the group that CLONE_INTO_CGROUP wants
 */
public record CloneRequest(
        long flags, int exitSignal, long stack, long parentTid, long childTid, long tls, long pidfd, long cgroup) {
    public static final long VM = 0x100;
    public static final long FS = 0x200;
    public static final long FILES = 0x400;
    public static final long SIGHAND = 0x800;
    public static final long PIDFD = 0x1000;
    public static final long PTRACE = 0x2000;
    public static final long VFORK = 0x4000;
    public static final long PARENT = 0x8000;
    public static final long THREAD = 0x1_0000;
    public static final long NEWNS = 0x2_0000;
    public static final long SYSVSEM = 0x4_0000;
    public static final long SETTLS = 0x8_0000;
    public static final long PARENT_SETTID = 0x10_0000;
    public static final long CHILD_CLEARTID = 0x20_0000;
    public static final long DETACHED = 0x40_0000;
    public static final long UNTRACED = 0x80_0000;
    public static final long CHILD_SETTID = 0x100_0000;
    public static final long NEWCGROUP = 0x200_0000;
    public static final long NEWUTS = 0x400_0000;
    public static final long NEWIPC = 0x800_0000;
    public static final long NEWUSER = 0x1000_0000;
    public static final long NEWPID = 0x2000_0000;
    public static final long NEWNET = 0x4000_0000;
    public static final long IO = 0x8000_0000L;
    public static final long CLEAR_SIGHAND = 0x1_0000_0000L;
    public static final long INTO_CGROUP = 0x2_0000_0000L;
    public static final long NEWTIME = 0x80;

    /** Namespaces: refused, as a caller without rights is refused. */
    public static final long NAMESPACES = NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET | NEWTIME;

    /** Of a call that knows no CLONE_INTO_CGROUP. */
    public CloneRequest(long flags, int exitSignal, long stack, long parentTid, long childTid, long tls, long pidfd) {
        this(flags, exitSignal, stack, parentTid, childTid, tls, pidfd, -1);
    }

    /** Whether a flag of clone(2) is set. */
    public boolean has(long flag) {
        return (flags & flag) != 0;
    }
}
