package faultline.emulator.syscall;

/**
 * What an interrupted system call returns to ask for a restart (include/linux/errno.h). The guest never sees these.
 *
 * <table>
 * <caption>When a handler runs / when none does</caption>
 * <tr><th>code</th><th>a handler runs</th><th>no handler runs</th></tr>
 * <tr><td>ERESTARTSYS</td><td>restart if SA_RESTART, else EINTR</td><td>restart</td></tr>
 * <tr><td>ERESTARTNOINTR</td><td>restart</td><td>restart</td></tr>
 * <tr><td>ERESTARTNOHAND</td><td>EINTR</td><td>restart</td></tr>
 * <tr><td>ERESTART_RESTARTBLOCK</td><td>EINTR</td><td>restart through restart_syscall(2)</td></tr>
 * </table>
 */
public final class Restart {
    public static final int ERESTARTSYS = 512;
    public static final int ERESTARTNOINTR = 513;
    public static final int ERESTARTNOHAND = 514;
    public static final int ERESTART_RESTARTBLOCK = 516;

    private Restart() {}

    /** Whether a handler's result is one of the codes above, negated. */
    public static boolean isRestart(long result) {
        return result >= -ERESTART_RESTARTBLOCK && result <= -ERESTARTSYS;
    }
}
