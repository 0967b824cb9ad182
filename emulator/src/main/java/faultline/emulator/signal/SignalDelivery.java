package faultline.emulator.signal;

import faultline.emulator.core.CoreDump;
import faultline.emulator.cpu.CpuState;
import faultline.emulator.ptrace.PtraceLinks;
import faultline.emulator.ptrace.PtraceStops;
import faultline.emulator.ptrace.Tracee;
import faultline.emulator.syscall.Restart;
import faultline.emulator.task.Process;
import faultline.emulator.task.Sleeps;
import faultline.emulator.task.Task;
import faultline.emulator.task.UserFault;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/**
 * What a task does about its signals before it returns to guest code (arch_do_signal_or_restart).
 *
 * <p>A ladder for each signal: ignore, stop, end the process, or run a handler; and what becomes of a system call that
 * the signal interrupted. Runs on the task's own thread without the virtual CPU.
 */
public final class SignalDelivery {
    private static final int RESTART_SYSCALL = 219;
    private static final int SYSCALL_INSTRUCTION = 2;

    private SignalDelivery() {}

    /**
     * Delivers everything that is due.
     *
     * @return false when the task has to end now
     */
    public static boolean deliver(Task task) {
        while (true) {
            Delivered next = next(task);
            if (next == Delivered.EXIT) {
                return false;
            }
            if (next != null && next.action() == null) {
                dumpCore(task, next.info());
                return false;
            }
            if (next == null) {
                restartWithoutHandler(task);
                return true;
            }
            if (!handle(task, next)) {
                frameFailed(task, next.info().signal());
            }
            if (!task.signalPending()) {
                return true;
            }
        }
    }

    /** A frame that cannot be written is a SIGSEGV, which kills when the frame was SIGSEGV's own (force_sigsegv). */
    private static void frameFailed(Task task, int signal) {
        if (signal == Signals.SIGSEGV) {
            SignalSender.forceFatal(task, SigInfo.kernel(Signals.SIGSEGV));
        } else {
            SignalSender.force(task, SigInfo.kernel(Signals.SIGSEGV));
        }
    }

    /** Writes the process' core file while its other tasks, which are told to end already, wait for that. */
    private static void dumpCore(Task task, SigInfo info) {
        Process process = task.process();
        if (CoreDump.write(task, info, process.dump())) {
            synchronized (process.handlers()) {
                process.group().noteCoreDump();
            }
        }
    }

    /** A signal for a handler; without an action: one that leaves a core dump. */
    private record Delivered(SigInfo info, SigAction action) {
        static final Delivered EXIT = new Delivered(null, null);
    }

    /** The next signal that has a handler; acts on all others by itself. Null when none is left. */
    @KernelFunction(value = "get_signal", file = "kernel/signal.c")
    private static Delivered next(Task task) {
        Process process = task.process();
        SignalHandlers handlers = process.handlers();
        while (true) {
            SigInfo info;
            boolean stopped;
            boolean trap;
            int stopSignal;
            int stopsCancelled;
            synchronized (handlers) {
                if (process.group().exiting() || task.killed()) {
                    return Delivered.EXIT;
                }
                GroupSignals group = process.group();
                Tracee tracee = task.tracee();
                trap = SignalSender.trapDue(task, tracee) && !group.frozen();
                stopped = SignalSender.standsStill(task) || group.frozen();
                stopsCancelled = group.stopsCancelled();
                stopSignal = group.stopped() ? group.stopSignal() : 0;
                if (trap) {
                    tracee.takeTraps(group.stopped());
                }
                info = stopped || trap ? null : take(task);
                SignalSender.recalculate(task);
                if (info == null && !stopped && !trap) {
                    return null;
                }
            }
            if (trap) {
                PtraceStops.jobControl(task, stopSignal);
                continue;
            }
            if (stopped) {
                // whoever resumes or ends the process wakes all its tasks: a wake-up before this wait ends it at once
                task.signals().setStanding(true);
                task.parkUninterruptibly(Sleeps.NEVER);
                task.signals().setStanding(false);
                continue;
            }
            if (task.tracee() != null) {
                info = PtraceStops.signal(task, info);
                if (info == null) {
                    continue;
                }
            }
            synchronized (handlers) {
                int signal = info.signal();
                SigAction action = handlers.get(signal);
                if (action.handler() == SigAction.SIG_IGN) {
                    continue;
                }
                if (action.handler() != SigAction.SIG_DFL) {
                    if (action.has(SigAction.SA_RESETHAND)) {
                        handlers.set(signal, action.withoutHandler());
                    }
                    return new Delivered(info, action);
                }
                if (Signals.ignoredByDefault(signal)) {
                    continue;
                }
                if (!Signals.stopsByDefault(signal)) {
                    boolean dump = Signals.dumpsCore(signal) && CoreDump.isWanted(process);
                    if (dump) {
                        process.beginDump(task);
                    }
                    SignalSender.exitGroup(process, signal);
                    return dump ? new Delivered(info, null) : Delivered.EXIT;
                }
                boolean cancelled = stopsCancelled != process.group().stopsCancelled();
                if (cancelled || signal != Signals.SIGSTOP && process.isOrphaned()) {
                    continue;
                }
                process.group().stop(signal);
                SignalSender.groupChanges(process);
            }
            // outside the monitor: the parent's monitor is taken next
            if (!PtraceLinks.tracedByParent(task)) {
                process.reportToParent(SigInfo.CLD_STOPPED, info.signal());
            }
        }
    }

    /**
     * The next signal that the task does not block, its own before the process', or null. Caller holds the handlers'
     * monitor.
     */
    @KernelFunction(value = "dequeue_signal", file = "kernel/signal.c")
    private static SigInfo take(Task task) {
        return SignalSender.dequeue(task, task.signals().blocked());
    }

    /** Runs a handler: decides about an interrupted call, writes the frame, blocks what is to be blocked. */
    @KernelFunction(value = "handle_signal", file = "arch/x86/kernel/signal.c")
    private static boolean handle(Task task, Delivered delivered) {
        CpuState cpu = task.cpuState();
        SigAction action = delivered.action();
        if (task.inSyscall()) {
            switch ((int) -cpu.get(CpuState.RAX)) {
                case Restart.ERESTART_RESTARTBLOCK, Restart.ERESTARTNOHAND -> cpu.set(CpuState.RAX, -Errno.EINTR);
                case Restart.ERESTARTSYS -> {
                    if (action.has(SigAction.SA_RESTART)) {
                        restart(task, task.syscallNumber());
                    } else {
                        cpu.set(CpuState.RAX, -Errno.EINTR);
                    }
                }
                case Restart.ERESTARTNOINTR -> restart(task, task.syscallNumber());
                default -> {
                    // the call is complete: its result goes into the frame
                }
            }
            task.leaveSyscall();
        }
        task.rseq().resume();
        SignalState state = task.signals();
        if (!task.signalFrame().setup(task, delivered.info(), action, state.maskToSave())) {
            return false;
        }
        state.forgetSavedMask();
        long mask = state.blocked() | action.mask();
        if (!action.has(SigAction.SA_NODEFER)) {
            mask |= Signals.mask(delivered.info().signal());
        }
        SignalSender.setMask(task, mask);
        return true;
    }

    /** rt_sigreturn(2): back to what a handler interrupted. The registers are the frame's afterwards, RAX included. */
    public static void sigreturn(Task task) {
        task.leaveSyscall();
        try {
            SignalSender.setMask(task, task.signalFrame().restore(task));
        } catch (UserFault e) {
            SignalSender.force(task, SigInfo.kernel(Signals.SIGSEGV));
        }
    }

    private static void restartWithoutHandler(Task task) {
        if (task.inSyscall()) {
            switch ((int) -task.cpuState().get(CpuState.RAX)) {
                case Restart.ERESTARTSYS, Restart.ERESTARTNOINTR, Restart.ERESTARTNOHAND ->
                    restart(task, task.syscallNumber());
                case Restart.ERESTART_RESTARTBLOCK -> restart(task, RESTART_SYSCALL);
                default -> {
                    // nothing to restart
                }
            }
            task.leaveSyscall();
        }
        SignalState state = task.signals();
        if (state.hasSavedMask()) {
            state.forgetSavedMask();
            SignalSender.setMask(task, state.savedMask());
        }
    }

    private static void restart(Task task, long number) {
        CpuState cpu = task.cpuState();
        cpu.set(CpuState.RAX, number);
        cpu.set(CpuState.RIP, cpu.get(CpuState.RIP) - SYSCALL_INSTRUCTION);
    }
}
