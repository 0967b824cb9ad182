package faultline.emulator.syscall.file;

import faultline.emulator.signal.SignalSender;
import faultline.emulator.syscall.Restart;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import java.util.function.LongSupplier;

/** The signal mask that ppoll, pselect6 and epoll_pwait put in place while they wait. */
final class TemporaryMask {
    private static final int SIGSET_SIZE = 8;

    private TemporaryMask() {}

    /**
     * Runs a waiting call under a mask.
     *
     * <p>When a signal ends the wait, the mask stays until the signal has been delivered: the handler's frame saves the
     * one from before (set_user_sigmask, restore_saved_sigmask_unless).
     *
     * @param address of the mask; 0 for none
     */
    static long with(Task t, long address, long size, LongSupplier wait) {
        if (address == 0) {
            return wait.getAsLong();
        }
        if (size != SIGSET_SIZE) {
            return -Errno.EINVAL;
        }
        long before = t.signals().blocked();
        SignalSender.setMask(t, t.user().getLong(address));
        boolean interrupted = false;
        try {
            long r = wait.getAsLong();
            interrupted = r == -Restart.ERESTARTNOHAND || r == -Errno.EINTR;
            return r;
        } finally {
            if (interrupted) {
                t.signals().saveMask(before);
            } else {
                SignalSender.setMask(t, before);
            }
        }
    }
}
