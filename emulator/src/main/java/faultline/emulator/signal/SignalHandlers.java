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
