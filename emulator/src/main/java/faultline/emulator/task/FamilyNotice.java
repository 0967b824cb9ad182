package faultline.emulator.task;

import faultline.emulator.ptrace.PtraceLinks;
import faultline.emulator.ptrace.Tracee;
import faultline.emulator.signal.SigAction;
import faultline.emulator.signal.SigInfo;
import faultline.emulator.signal.SignalSender;
import faultline.emulator.signal.Signals;
import faultline.mmu.annotation.KernelFunction;

/**
 * Who is told of an end, a stop or a continuation, by a signal and by waking those who wait: the tracer of a thread or
 * of a process first, then the parent. What a tracer waits for stays, even where it ignores SIGCHLD.
 */
public final class FamilyNotice {
    private FamilyNotice() {}

    /** A zombie, none of whose threads is left, can be waited for. Caller holds the family lock. */
    static void ended(Process process) {
        process.tellWatchers();
        Tracee tracee = process.leader().tracee();
        if (tracee == null) {
            tellParent(process);
        } else if (tracee.tracer() == process.parent()) {
            PtraceLinks.unlink(process.leader(), 0);
            tell(process.parent(), process.exitSignal(), process.leader(), process.waitStatus());
        } else {
            tell(tracee.tracer(), Signals.SIGCHLD, process.leader(), process.waitStatus());
        }
    }

    /** Its tracer has let go of a process: one that has ended is its parent's now. Caller holds the family lock. */
    public static void leftByTracer(Process process) {
        if (process.canBeReaped()) {
            tellParent(process);
        }
    }

    /** The tracer of a thread that has ended knows of it, or is gone. Caller holds the family lock. */
    @KernelFunction(value = "release_task", file = "kernel/exit.c")
    public static void threadReleased(Process process) {
        process.dropThread();
        if (process.canBeReaped()) {
            ended(process);
        }
        process.tasks().forEach(Task::wake); // one of them may wait to execute a program
    }

    /** A traced thread that is not its process' leader has ended. By the thread itself. */
    static void threadEnded(Task thread) {
        synchronized (thread.kernel().familyLock()) {
            Process tracer = PtraceLinks.threadEnded(thread);
            if (tracer != null) {
                tell(tracer, Signals.SIGCHLD, thread, statusOf(thread));
            }
        }
    }

    /** What wait(2) says of a thread: how its process ends, if it ended by that, or its own exit. */
    static int statusOf(Task thread) {
        return thread.process().group().exiting() ? thread.process().group().exitStatus() : thread.exitStatus();
    }

    /** The parent learns of the zombie, which nobody traces. Caller holds the family lock. */
    static void tellParent(Process process) {
        Process parent = process.parent();
        int signal = process.exitSignal();
        boolean unwanted = false;
        if (signal == Signals.SIGCHLD) {
            synchronized (parent.handlers()) {
                SigAction action = parent.handlers().get(Signals.SIGCHLD);
                boolean ignored = action.handler() == SigAction.SIG_IGN;
                unwanted = ignored || action.has(SigAction.SA_NOCLDWAIT);
                signal = ignored ? 0 : signal;
            }
        }
        tell(parent, signal, process.leader(), process.waitStatus());
        if (unwanted) {
            process.kernel().forget(process);
        }
    }

    /** Tells a parent or tracer of a stop or continuation, where it wants that. Caller holds the family lock. */
    @KernelFunction(value = "do_notify_parent_cldstop", file = "kernel/signal.c")
    public static void change(Process to, Task task, int code, int value) {
        boolean wanted;
        synchronized (to.handlers()) {
            SigAction action = to.handlers().get(Signals.SIGCHLD);
            wanted = action.handler() != SigAction.SIG_IGN && !action.has(SigAction.SA_NOCLDSTOP);
        }
        tell(to, wanted ? Signals.SIGCHLD : 0, task, code, value);
    }

    private static void tell(Process to, int signal, Task ended, int status) {
        tell(to, signal, ended, SigInfo.codeOfEnd(status), SigInfo.valueOfEnd(status));
    }

    /** Sends the signal, 0 for none, and wakes those who wait. Caller holds the family lock. */
    @KernelFunction(value = "do_notify_parent", file = "kernel/signal.c")
    private static void tell(Process to, int signal, Task about, int code, int value) {
        if (signal != 0) {
            ProcessTimes times = about.process().times();
            SignalSender.sendToProcess(
                    to,
                    SigInfo.child(
                            signal,
                            code,
                            about.tid(),
                            about.kernel().uid(),
                            value,
                            times.userTicks(),
                            times.systemTicks()));
        }
        to.childEvents().wakeAll();
    }
}
