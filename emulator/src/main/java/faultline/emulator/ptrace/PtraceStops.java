package faultline.emulator.ptrace;

import faultline.emulator.cpu.CpuState;
import faultline.emulator.host.Nr;
import faultline.emulator.signal.SigInfo;
import faultline.emulator.signal.SignalSender;
import faultline.emulator.signal.Signals;
import faultline.emulator.task.CloneRequest;
import faultline.emulator.task.Process;
import faultline.emulator.task.Sleeps;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/**
 * The places where a traced task stands still until its tracer lets it go on. Each runs on the task's own thread without
 * the virtual CPU, and does nothing for a task that is not traced (any more).
 */
public final class PtraceStops {
    private static final int EVENT_FORK = 1;
    private static final int EVENT_VFORK = 2;
    private static final int EVENT_CLONE = 3;
    private static final int EVENT_EXEC = 4;
    private static final int EVENT_VFORK_DONE = 5;
    private static final int EVENT_EXIT = 6;
    private static final int SYSCALL_MARK = 0x80;
    private static final long TRAP_FLAG = 0x100;

    private PtraceStops() {}

    /**
     * Tells the tracer, and waits to be resumed. SIGKILL, or the end of the process, ends the wait, too; whoever sends
     * it wakes the task.
     *
     * @return the signal to act on, 0 for none
     */
    @KernelFunction(value = "ptrace_stop", file = "kernel/signal.c")
    private static int stop(Task task, int code, int why, SigInfo info) {
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
            tracee.beginStop(code, info);
            Process.tellOfChange(tracee.tracer(), task, why, code & 0x7f);
        }
        while (tracee.isStopped() && !SignalSender.isDying(task)) {
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
        int signal = stop(task, info.signal(), SigInfo.CLD_TRAPPED, info);
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

    /** Job control has stopped the process: the tracer decides when this task goes on. */
    @KernelFunction(value = "do_jobctl_trap", file = "kernel/signal.c")
    public static void group(Task task, int signal) {
        Tracee tracee = task.tracee();
        if (tracee != null) {
            tracee.passGroupStop();
            stop(task, signal, SigInfo.CLD_STOPPED, null);
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
        int signal = stop(task, code, SigInfo.CLD_TRAPPED, trap(task, code));
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
        tracee.setMessage(message);
        int code = Signals.SIGTRAP | event << 8;
        stop(task, code, SigInfo.CLD_TRAPPED, trap(task, code));
        return true;
    }

    /** The task ends with a status as wait4(2) encodes it. */
    public static void exit(Task task, int status) {
        if (task.syscallNumber() == Nr.EXIT || task.syscallNumber() == Nr.EXIT_GROUP) {
            task.cpuState().set(CpuState.RAX, -Errno.ENOSYS); // such a call does not return
        }
        event(task, EVENT_EXIT, status);
    }

    /** A new program is in place. */
    public static void exec(Task task, int formerTid) {
        if (task.tracee() != null && !event(task, EVENT_EXEC, formerTid)) {
            SignalSender.sendToTask(
                    task,
                    SigInfo.user(
                            Signals.SIGTRAP,
                            SigInfo.SI_USER,
                            task.pid(),
                            task.credentials().real()));
        }
    }

    /** A child that does not run yet is traced as its parent is, where an option says so; it will stop by SIGSTOP. */
    @KernelFunction(value = "ptrace_init_task", file = "include/linux/ptrace.h")
    public static void prepareChild(Task parent, Task child, CloneRequest request) {
        Tracee tracee = parent.tracee();
        if (tracee == null || !tracee.has(1 << eventOf(request)) || request.has(CloneRequest.UNTRACED)) {
            return;
        }
        synchronized (parent.kernel().familyLock()) {
            PtraceLinks.link(child, new Tracee(tracee.tracer(), tracee.options()));
        }
        SignalSender.sendToTask(child, SigInfo.kernel(Signals.SIGSTOP));
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
