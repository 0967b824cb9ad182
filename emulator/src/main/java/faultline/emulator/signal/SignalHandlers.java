package faultline.emulator.signal;

import java.util.Arrays;

/**
 * The signal actions of a process (struct sighand_struct), and by its monitor the lock of all its signal state.
 *
 * <p>Shared by processes made with CLONE_SIGHAND.
 */
public final class SignalHandlers {
    private final SigAction[] actions = new SigAction[Signals.MAX + 1];

    /** All signals have their default. */
    public SignalHandlers() {
        Arrays.fill(actions, SigAction.DEFAULT);
    }

    /**
     * What a process begins with that execve has left these to.
     *
     * @param ignored a set of signals: bit n - 1 stands for signal n; all others have their default
     */
    public static SignalHandlers ignoring(long ignored) {
        SignalHandlers handlers = new SignalHandlers();
        for (int signal = 1; signal <= Signals.MAX; signal++) {
            if ((ignored & 1L << signal - 1) != 0) {
                handlers.actions[signal] = SigAction.IGNORE;
            }
        }
        return handlers;
    }

    /** A copy, for fork. */
    public SignalHandlers copy() {
        SignalHandlers copy = new SignalHandlers();
        synchronized (this) {
            System.arraycopy(actions, 0, copy.actions, 0, actions.length);
        }
        return copy;
    }

    /** Caller holds the monitor. */
    public SigAction get(int signal) {
        return actions[signal];
    }

    /** Caller holds the monitor. */
    public void set(int signal, SigAction action) {
        actions[signal] = action.stored();
    }

    /** What execve does: handlers become SIG_DFL, SIG_IGN stays (flush_signal_handlers). Caller holds the monitor. */
    public void resetForExec() {
        for (int i = 1; i < actions.length; i++) {
            if (actions[i].handler() != SigAction.SIG_IGN) {
                actions[i] = SigAction.DEFAULT;
            } else {
                actions[i] = SigAction.IGNORE;
            }
        }
    }
}
