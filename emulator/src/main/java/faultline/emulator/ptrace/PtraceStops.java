package faultline.emulator.ptrace;

import faultline.emulator.cpu.CpuState;
import faultline.emulator.host.Nr;
import faultline.emulator.signal.GroupSignals;
import faultline.emulator.signal.SigInfo;
import faultline.emulator.signal.SignalSender;
import faultline.emulator.signal.Signals;
import faultline.emulator.task.CloneRequest;
import faultline.emulator.task.FamilyNotice;
import faultline.emulator.task.Sleeps;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/**
 * The places where a traced task stands still until its tracer lets it go on. Each runs on the task's own thread
 * without the virtual CPU, and does nothing for a task that is not traced (any more).
 */
public final class PtraceStops {
    private static final int EVENT_FORK = 1;
    private static final int EVENT_VFORK = 2;
    private static final int EVENT_CLONE = 3;
    private static final int EVENT_EXEC = 4;
    private static final int EVENT_VFORK_DONE = 5;
    private static final int EVENT_EXIT = 6;
    /** A seized task's group stop, its end, or an interrupt. */
    static final int EVENT_STOP = 128;

    private static final long MESSAGE_ENTRY = 1;
    private static final long MESSAGE_EXIT = 2;
    private static final int SYSCALL_MARK = 0x80;
    private static final long TRAP_FLAG = 0x100;

    private PtraceStops() {}

    /**
     * Tells the tracer, and waits to be resumed. SIGKILL, or the end of the process, ends the wait, too; whoever sends
     * it wakes the task.
     *
     * @param message for PTRACE_GETEVENTMSG
     * @return the signal to act on, 0 for none
     */
    @KernelFunction(value = "ptrace_stop", file = "kernel/signal.c")
    private static int stop(Task task, int code, int why, SigInfo info, long message) {
        Tracee tracee;
        synchronized (task.kernel().familyLock()) {
            tracee = task.tracee();
            if (tracee == null) {
                return code & 0x7f;
            }
            if (SignalSender.isDying(task)) {
                return 0;
            }
            if (tracee.steps()) {
                setTrapFlag(task, false);
            }
            GroupSignals group = task.process().group();
            int signal = code & 0x7f;
            synchronized (task.process().handlers()) {
                tracee.beginStop(code, info, message);
                if (why == SigInfo.CLD_STOPPED && !group.stopped()) {
                    signal = 0;
                }
            }
            FamilyNotice.change(tracee.tracer(), task, why, signal);
        }
        while (!tracee.stopIsOver() && !SignalSender.isDying(task)) {
            task.parkUninterruptibly(Sleeps.NEVER);
        }
        synchronized (task.kernel().familyLock()) {
            tracee.endStop();
            return tracee.injected();
        }
    }

    /**
     * A signal is about to be delivered.
     *
     * @return what is to be delivered instead, or null for nothing
     */
    @KernelFunction(value = "ptrace_signal", file = "kernel/signal.c")
    public static SigInfo signal(Task task, SigInfo info) {
        Tracee tracee = task.tracee();
        if (tracee == null || info.signal() == Signals.SIGKILL) {
            return info;
        }
        int signal = stop(task, info.signal(), SigInfo.CLD_TRAPPED, info, 0);
        if (signal == 0) {
            return null;
        }
        SigInfo after = tracee.info() == null ? info : tracee.info();
        return after.signal() == signal
                ? after
                : SigInfo.user(
                        signal,
                        SigInfo.SI_USER,
                        tracee.tracer().pid(),
                        tracee.tracer().leader().credentials().real());
    }

    /**
     * Job control has stopped the process, or lets it go on, or the tracer interrupts the task: the tracer decides when
     * it goes on. A task that was seized is told of by an event.
     *
     * @param signal what stopped the process, 0 where it is not stopped
     */
    @KernelFunction(value = "do_jobctl_trap", file = "kernel/signal.c")
    public static void jobControl(Task task, int signal) {
        Tracee tracee = task.tracee();
        if (tracee == null || !tracee.seized() && signal == 0) { // let go meanwhile, and perhaps traced by another
            return;
        }
        if (tracee.seized()) {
            int shown = signal == 0 ? Signals.SIGTRAP : signal;
            int code = shown | EVENT_STOP << 8;
            SigInfo info =
                    SigInfo.trap(shown, code, task.tid(), task.credentials().real());
            stop(task, code, SigInfo.CLD_STOPPED, info, 0);
        } else {
            stop(task, signal, SigInfo.CLD_STOPPED, null, 0);
        }
    }

    /**
     * A system call begins.
     *
     * @return the call to make: the tracer may have changed its number, -1 for none
     */
    @KernelFunction(value = "ptrace_report_syscall_entry", file = "include/linux/ptrace.h")
    public static int enterCall(Task task, int number) {
        if (!task.tracee().stopsAtCalls()) {
            return number;
        }
        task.cpuState().set(CpuState.RAX, -Errno.ENOSYS);
        call(task, Tracee.Phase.ENTRY);
        return (int) task.syscallNumber();
    }

    /** A system call has ended. */
    @KernelFunction(value = "ptrace_report_syscall_exit", file = "include/linux/ptrace.h")
    public static void leaveCall(Task task, int number) {
        Tracee tracee = task.tracee();
        if (tracee != null && tracee.steps()) {
            long rip = task.cpuState().get(CpuState.RIP);
            SignalSender.force(task, SigInfo.fault(Signals.SIGTRAP, SigInfo.TRAP_BRKPT, rip));
        }
        if (tracee == null || !tracee.stopsAtCalls()) {
            return;
        }
        boolean complete = !task.inSyscall();
        if (complete && number != Nr.RT_SIGRETURN) {
            task.enterSyscall(number); // for the tracer to see which it was
        }
        call(task, Tracee.Phase.EXIT);
        if (complete) {
            task.leaveSyscall();
        }
    }

    private static void call(Task task, Tracee.Phase phase) {
        Tracee tracee = task.tracee();
        if (tracee == null) {
            return;
        }
        int code = Signals.SIGTRAP | (tracee.has(PtraceOptions.TRACESYSGOOD) ? SYSCALL_MARK : 0);
        tracee.setPhase(phase);
        long message = phase == Tracee.Phase.ENTRY ? MESSAGE_ENTRY : MESSAGE_EXIT;
        int signal = stop(task, code, SigInfo.CLD_TRAPPED, trap(task, code), message);
        tracee.setPhase(Tracee.Phase.NONE);
        if (signal != 0 && signal != code && !SignalSender.isDying(task)) {
            SignalSender.sendToTask(
                    task, SigInfo.user(signal, SigInfo.SI_USER, tracee.tracer().pid(), 0));
        }
    }

    /** Before a traced task's stay in guest code: the processor is to trap after one instruction, if so wanted. */
    @KernelFunction(value = "user_enable_single_step", file = "arch/x86/kernel/step.c")
    public static void armStep(Task task) {
        Tracee tracee = task.tracee();
        if (tracee != null && tracee.steps()) {
            setTrapFlag(task, true);
        }
    }

    private static void setTrapFlag(Task task, boolean on) {
        long flags = task.cpuState().get(CpuState.RFLAGS);
        task.cpuState().set(CpuState.RFLAGS, on ? flags | TRAP_FLAG : flags & ~TRAP_FLAG);
    }

    private static SigInfo trap(Task task, int code) {
        return SigInfo.trap(
                Signals.SIGTRAP, code, task.tid(), task.credentials().real());
    }

    /** Something happened that an option asks to be told of. */
    @KernelFunction(value = "ptrace_event", file = "include/linux/ptrace.h")
    private static boolean event(Task task, int event, long message) {
        Tracee tracee = task.tracee();
        if (tracee == null || !tracee.has(1 << event)) {
            return false;
        }
        int code = Signals.SIGTRAP | event << 8;
        stop(task, code, SigInfo.CLD_TRAPPED, trap(task, code), message);
        return true;
    }

    /** The task ends with a status as wait4(2) encodes it. One whose process ends, too, cannot be killed any more. */
    public static void exit(Task task, int status) {
        Tracee tracee = task.tracee();
        synchronized (task.process().handlers()) {
            if (tracee != null && !task.process().group().exiting()) {
                tracee.endAlone();
            }
        }
        if (task.syscallNumber() == Nr.EXIT || task.syscallNumber() == Nr.EXIT_GROUP) {
            task.cpuState().set(CpuState.RAX, -Errno.ENOSYS); // such a call does not return
        }
        event(task, EVENT_EXIT, status);
    }

    /** A new program is in place. */
    public static void exec(Task task, int formerTid) {
        Tracee tracee = task.tracee();
        if (tracee != null && !event(task, EVENT_EXEC, formerTid) && !tracee.seized()) {
            SignalSender.sendToTask(
                    task,
                    SigInfo.user(
                            Signals.SIGTRAP,
                            SigInfo.SI_USER,
                            task.pid(),
                            task.credentials().real()));
        }
    }

    /**
     * A child that does not run yet is traced as its parent is, where an option says so; it will stop by SIGSTOP, or as
     * an interrupted one.
     */
    @KernelFunction(value = "ptrace_init_task", file = "include/linux/ptrace.h")
    public static void prepareChild(Task parent, Task child, CloneRequest request) {
        Tracee tracee = parent.tracee();
        if (tracee == null || !tracee.has(1 << eventOf(request)) || request.has(CloneRequest.UNTRACED)) {
            return;
        }
        synchronized (parent.kernel().familyLock()) {
            PtraceLinks.link(child, new Tracee(tracee.tracer(), tracee.seized(), tracee.options()));
        }
        if (tracee.seized()) {
            PtraceLinks.interrupt(child);
        } else {
            SignalSender.sendToTask(child, SigInfo.kernel(Signals.SIGSTOP));
        }
    }

    /** The child runs. */
    public static void cloned(Task parent, int child, CloneRequest request) {
        if (parent.tracee() != null && !request.has(CloneRequest.UNTRACED)) {
            event(parent, eventOf(request), child);
        }
    }

    /** The child of a vfork does not need the parent's memory any more. */
    public static void vforkDone(Task parent, int child) {
        event(parent, EVENT_VFORK_DONE, child);
    }

    private static int eventOf(CloneRequest request) {
        if (request.has(CloneRequest.VFORK)) {
            return EVENT_VFORK;
        }
        return request.exitSignal() == Signals.SIGCHLD ? EVENT_FORK : EVENT_CLONE;
    }
}
