package faultline.emulator.signal;

import faultline.emulator.syscall.Restart;
import faultline.emulator.task.KernelClock;
import faultline.emulator.task.Sleeps;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/** Calls that wait for signals, or that have another mask while they wait. */
public final class SignalWaits {
    private SignalWaits() {}

    /** What sigtimedwait gave: the signal, or null and why not. */
    public record Taken(SigInfo info, long error) {}

    /**
     * Puts a mask in place for the time of one call (sigsuspend, ppoll, pselect, epoll_pwait): a handler that runs sees
     * it, and the old one comes back after the handler, or when the call ends without one.
     */
    @KernelFunction(value = "set_user_sigmask", file = "kernel/signal.c")
    public static void useMask(Task task, long mask) {
        task.signals().saveMask(task.signals().blocked());
        SignalSender.setMask(task, mask);
    }

    /** Waits with another mask until a handler ran. */
    @KernelFunction(value = "sigsuspend", file = "kernel/signal.c")
    public static long suspend(Task task, long mask) {
        useMask(task, mask);
        while (!task.signalPending()) {
            task.park(Sleeps.NEVER);
        }
        return -Restart.ERESTARTNOHAND;
    }

    /**
     * Takes a signal out of a set, waiting for one.
     *
     * @param nanos the most to wait, {@link Sleeps#NEVER} for no limit, 0 for not at all
     */
    @KernelFunction(value = "do_sigtimedwait", file = "kernel/signal.c")
    public static Taken take(Task task, long set, long nanos) {
        long wanted = set & ~Signals.UNBLOCKABLE;
        SignalState state = task.signals();
        SignalHandlers handlers = task.process().handlers();
        KernelClock clock = task.kernel().clock();
        long deadline = nanos == Sleeps.NEVER ? Sleeps.NEVER : clock.now(KernelClock.MONOTONIC) + nanos;
        synchronized (handlers) {
            SigInfo now = takeLocked(task, wanted);
            if (now != null) {
                return new Taken(now, 0);
            }
            if (nanos == 0) {
                return new Taken(null, -Errno.EAGAIN);
            }
            state.setWaitedFor(wanted);
        }
        try {
            while (true) {
                synchronized (handlers) {
                    SigInfo now = takeLocked(task, wanted);
                    if (now != null) {
                        return new Taken(now, 0);
                    }
                    SignalSender.recalculate(task);
                }
                if (task.signalPending()) {
                    return new Taken(null, -Errno.EINTR);
                }
                long left = Sleeps.left(task, KernelClock.MONOTONIC, deadline);
                if (left <= 0) {
                    return new Taken(null, -Errno.EAGAIN);
                }
                task.park(left);
            }
        } finally {
            synchronized (handlers) {
                state.setWaitedFor(0);
                SignalSender.recalculate(task);
            }
        }
    }

    private static SigInfo takeLocked(Task task, long wanted) {
        SigInfo info = SignalSender.dequeue(task, ~wanted);
        if (info != null) {
            SignalSender.recalculate(task);
        }
        return info;
    }
}
