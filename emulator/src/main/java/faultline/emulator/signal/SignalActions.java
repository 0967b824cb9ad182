package faultline.emulator.signal;

import faultline.emulator.task.Process;
import faultline.emulator.task.Task;
import faultline.mmu.annotation.KernelFunction;

/** Setting actions and looking at what is pending. */
public final class SignalActions {
    private SignalActions() {}

    /**
     * Replaces an action. A pending signal that is ignored from now on is forgotten.
     *
     * @param action null to look only
     * @return the action before
     */
    @KernelFunction(value = "do_sigaction", file = "kernel/signal.c")
    public static SigAction set(Task task, int signal, SigAction action) {
        Process process = task.process();
        synchronized (process.handlers()) {
            SigAction before = process.handlers().get(signal);
            if (action != null) {
                process.handlers().set(signal, action);
                if (action.ignores(signal)) {
                    SignalSender.discard(process, Signals.mask(signal));
                    SignalSender.recalculate(task);
                }
            }
            return before;
        }
    }

    /** Signals that are blocked and wait, for sigpending(2). */
    @KernelFunction(value = "do_sigpending", file = "kernel/signal.c")
    public static long pending(Task task) {
        synchronized (task.process().handlers()) {
            long all = task.signals().pending().set()
                    | task.process().group().pending().set();
            return all & task.signals().blocked();
        }
    }
}
