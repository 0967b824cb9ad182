package faultline.emulator.signal;

import faultline.emulator.ptrace.Tracee;
import faultline.emulator.task.Process;
import faultline.emulator.task.Task;
import faultline.mmu.annotation.KernelFunction;

/** Sends signals to tasks and processes, and keeps each task's "a signal is due" flag right. */
public final class SignalSender {
    /** What became of a signal, as {@code signal:signal_generate} tells it (TRACE_SIGNAL_…). */
    private static final int DELIVERED = 0;

    private static final int IGNORED = 1;
    private static final int ALREADY_PENDING = 2;

    private SignalSender() {}

    /** To one task: tgkill, faults, per-thread timers. Returns whether it waits now; false where it is ignored. */
    @KernelFunction(value = "do_send_sig_info", file = "kernel/signal.c")
    public static boolean sendToTask(Task task, SigInfo info) {
        Process process = task.process();
        boolean resumed;
        synchronized (process.handlers()) {
            resumed = prepare(process, info.signal());
            if (queue(task, info, false) == IGNORED) {
                return false;
            }
            if (wants(task, info.signal())) {
                task.signalWake();
            }
        }
        reportResume(process, resumed);
        return true;
    }

    /**
     * To a process: kill, timers, the terminal. Any task of it that does not block the signal takes it. Returns as
     * above.
     */
    @KernelFunction(value = "send_signal_locked", file = "kernel/signal.c")
    public static boolean sendToProcess(Process process, SigInfo info) {
        boolean resumed;
        boolean queued;
        synchronized (process.handlers()) {
            resumed = prepare(process, info.signal());
            queued = queue(process.leader(), info, true) != IGNORED;
            if (queued) {
                wakeOne(process, info.signal());
            }
        }
        reportResume(process, resumed);
        return queued;
    }

    /**
     * Lets a signal wait for a task, or for the process that the task leads. Returns what became of it. Caller holds
     * the handlers' monitor.
     */
    @KernelFunction(value = "__send_signal_locked", file = "kernel/signal.c")
    private static int queue(Task task, SigInfo info, boolean group) {
        Process process = task.process();
        if (ignored(process, task, info.signal())) {
            return IGNORED;
        }
        PendingSignals pending =
                group ? process.group().pending() : task.signals().pending();
        boolean added = pending.add(info);
        process.group().files().refresh(process, true);
        return added ? DELIVERED : ALREADY_PENDING;
    }

    private static void reportResume(Process process, boolean resumed) {
        if (resumed) {
            process.reportToParent(SigInfo.CLD_CONTINUED, Signals.SIGCONT);
        }
    }

    /**
     * A signal that the task's own instruction caused: cannot be blocked or ignored; where it is, the default action
     * happens instead.
     */
    @KernelFunction(value = "force_sig_info_to_task", file = "kernel/signal.c")
    public static void force(Task task, SigInfo info) {
        SignalHandlers handlers = task.process().handlers();
        int signal = info.signal();
        synchronized (handlers) {
            boolean blocked = Signals.contains(task.signals().blocked(), signal);
            if (blocked || handlers.get(signal).handler() == SigAction.SIG_IGN) {
                handlers.set(signal, SigAction.DEFAULT);
                if (blocked) {
                    task.signals().setBlocked(task.signals().blocked() & ~Signals.mask(signal));
                }
            }
            queue(task, info, false);
            task.signalWake();
        }
    }

    /** A signal that kills even where a handler is set: SIGSEGV when the handler's frame could not be written. */
    @KernelFunction(value = "force_fatal_sig", file = "kernel/signal.c")
    public static void forceFatal(Task task, SigInfo info) {
        SignalHandlers handlers = task.process().handlers();
        int signal = info.signal();
        synchronized (handlers) {
            handlers.set(signal, SigAction.DEFAULT);
            task.signals().setBlocked(task.signals().blocked() & ~Signals.mask(signal));
            queue(task, info, false);
            task.signalWake();
        }
    }

    /** Lets all tasks of a process end. */
    @KernelFunction(value = "do_group_exit", file = "kernel/exit.c")
    public static void exitGroup(Process process, int status) {
        synchronized (process.handlers()) {
            process.group().exit(status);
            for (Task task : process.tasks()) {
                task.signalWake();
            }
        }
    }

    /**
     * Takes the next signal that is not blocked, the task's own before its process', but SIGKILL before all, lest a
     * stop hold it up; null when there is none. Monitor held.
     */
    static SigInfo dequeue(Task task, long blocked) {
        PendingSignals shared = task.process().group().pending();
        boolean kill = Signals.contains(shared.set() & ~blocked, Signals.SIGKILL);
        SigInfo own = kill ? null : task.signals().pending().take(blocked);
        SigInfo info = own != null ? own : shared.take(kill ? ~Signals.mask(Signals.SIGKILL) : blocked);
        boolean timer = info != null && info.code() == SigInfo.SI_TIMER;
        return timer ? task.process().posixTimers().taken(info) : info;
    }

    /** Recomputes a task's flag after its mask or the pending sets changed. Caller holds the handlers' monitor. */
    @KernelFunction(value = "recalc_sigpending", file = "kernel/signal.c")
    static void recalculate(Task task) {
        GroupSignals group = task.process().group();
        group.files().refresh(task.process(), false);
        long pending = task.signals().pending().set() | group.pending().set();
        task.setSignalDue((pending & ~task.signals().blocked()) != 0
                || group.exiting()
                || standsStill(task)
                || trapDue(task, task.tracee())
                || task.killed());
    }

    /** As {@link #recalculate}, for a task whose tracer came or went. Any thread. */
    public static void recheck(Task task) {
        synchronized (task.process().handlers()) {
            task.signalWake();
        }
    }

    /** Whether job control keeps the task from running: a traced one has told its tracer and been resumed. */
    static boolean standsStill(Task task) {
        Tracee tracee = task.tracee();
        return task.process().group().stopped() && (tracee == null || !tracee.passedGroupStop());
    }

    /** Whether the task has to stop for its tracer, as it runs or stands still for job control. */
    static boolean trapDue(Task task, Tracee tracee) {
        return tracee != null && (tracee.trapDue() || task.process().group().stopped() && !tracee.passedGroupStop());
    }

    /**
     * Whether the task is about to end by a signal that nothing can hold up. One that has begun to end is, too, until
     * its process does: no further signal reaches a process that ends. Any thread.
     */
    @KernelFunction(value = "__fatal_signal_pending", file = "include/linux/sched/signal.h")
    public static boolean isDying(Task task) {
        GroupSignals group = task.process().group();
        synchronized (task.process().handlers()) {
            long pending = group.pending().set() | task.signals().pending().set();
            boolean killed = group.exiting() || Signals.contains(pending, Signals.SIGKILL);
            if (task.isExiting()) {
                Tracee tracee = task.tracee();
                return killed && tracee != null && tracee.endsAlone();
            }
            return killed || task.killed();
        }
    }

    /**
     * Puts a mask in place. A signal that this task can no longer take, and that waits for the process, is offered to
     * another task (set_task_blocked, retarget_shared_pending).
     */
    public static void setMask(Task task, long mask) {
        Process process = task.process();
        synchronized (process.handlers()) {
            long newlyBlocked = mask & ~task.signals().blocked();
            task.signals().setBlocked(mask);
            long offered = process.group().pending().set() & newlyBlocked;
            for (; offered != 0; offered &= offered - 1) {
                wakeOne(process, Long.numberOfTrailingZeros(offered) + 1);
            }
            recalculate(task);
        }
    }

    /** What a new signal does to pending ones and to a stopped process. Returns whether it went on running. */
    @KernelFunction(value = "prepare_signal", file = "kernel/signal.c")
    private static boolean prepare(Process process, int signal) {
        if (Signals.stopsByDefault(signal)) {
            discard(process, Signals.mask(Signals.SIGCONT));
            return false;
        }
        if (signal == Signals.SIGCONT) {
            discard(process, Signals.STOPS);
        }
        if (signal == Signals.SIGCONT || signal == Signals.SIGKILL) {
            process.group().cancelStops();
        }
        boolean goesOn = process.group().stopped() && (signal == Signals.SIGCONT || signal == Signals.SIGKILL);
        if (goesOn) {
            process.group().resume();
            process.tasks().forEach(Task::wake);
        }
        if (goesOn || signal == Signals.SIGCONT) {
            groupChanges(process); // a seized task tells of each
        }
        return goesOn && signal == Signals.SIGCONT;
    }

    /**
     * Job control stops the process, or lets it go on: its tasks stop, and traced ones tell their tracers. Caller
     * holds the monitor.
     */
    static void groupChanges(Process process) {
        for (Task task : process.tasks()) {
            Tracee tracee = task.tracee();
            if (tracee != null) {
                tracee.groupChanges();
            }
            if (process.group().stopped() || tracee != null && tracee.trapDue()) {
                task.signalWake();
            }
        }
    }

    /** Forgets signals of all tasks of a process. Caller holds the monitor. */
    static void discard(Process process, long signals) {
        process.group().pending().discard(signals);
        for (Task task : process.tasks()) {
            task.signals().pending().discard(signals);
        }
    }

    private static boolean ignored(Process process, Task task, int signal) {
        if (task.tracee() != null && signal != Signals.SIGKILL) {
            return false; // its tracer wants to see it
        }
        SignalState state = task.signals();
        if (Signals.contains(state.blocked(), signal) || Signals.contains(state.waitedFor(), signal)) {
            return false;
        }
        SigAction action = process.handlers().get(signal);
        return action.ignores(signal) || process.group().unkillable() && action.handler() == SigAction.SIG_DFL;
    }

    private static boolean wants(Task task, int signal) {
        SignalState state = task.signals();
        return (!task.isExiting() || task.tracee() != null)
                && (!Signals.contains(state.blocked(), signal) || Signals.contains(state.waitedFor(), signal));
    }

    private static void wakeOne(Process process, int signal) {
        Task leader = process.leader();
        if (wants(leader, signal)) {
            leader.signalWake();
            return;
        }
        for (Task task : process.tasks()) {
            if (task != leader && wants(task, signal)) {
                task.signalWake();
                return;
            }
        }
    }
}
