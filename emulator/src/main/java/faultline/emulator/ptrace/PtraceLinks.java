package faultline.emulator.ptrace;

import faultline.emulator.signal.SigInfo;
import faultline.emulator.signal.SignalSender;
import faultline.emulator.signal.Signals;
import faultline.emulator.task.FamilyNotice;
import faultline.emulator.task.Process;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.util.ArrayList;

/** Who traces whom: the beginning and the end of it. */
public final class PtraceLinks {
    private PtraceLinks() {}

    /** Caller holds the family lock. */
    @KernelFunction(value = "ptrace_link", file = "kernel/ptrace.c")
    static void link(Task task, Tracee tracee) {
        task.setTracee(tracee);
        tracee.tracer().tracees().add(task);
    }

    /** The task is traced no more, and goes on if it stood still for its tracer. Caller holds the family lock. */
    @KernelFunction(value = "__ptrace_unlink", file = "kernel/ptrace.c")
    public static void unlink(Task task, int signal) {
        Tracee tracee = task.tracee();
        if (tracee == null) {
            return;
        }
        task.setTracee(null);
        tracee.tracer().tracees().remove(task);
        if (tracee.isStopped()) {
            tracee.resume(signal, Tracee.Resume.CONT);
        }
        if (tracee.holdsProcess()) {
            FamilyNotice.threadReleased(task.process());
        } else if (task.process().zombie()) {
            FamilyNotice.leftByTracer(task.process());
        } else {
            SignalSender.recheck(task);
        }
    }

    /** The parent shall trace its child. */
    @KernelFunction(value = "ptrace_traceme", file = "kernel/ptrace.c")
    static long traceme(Task task) {
        synchronized (task.kernel().familyLock()) {
            Process parent = task.process().parent();
            if (task.tracee() != null || task.process() == task.kernel().first()) {
                return -Errno.EPERM;
            }
            link(task, new Tracee(parent, false, 0));
            return 0;
        }
    }

    /** A thread that is not its process' leader begins to end: its tracer will wait for it. */
    public static void threadEnds(Task task) {
        synchronized (task.kernel().familyLock()) {
            Tracee tracee = task.tracee();
            if (tracee != null) {
                tracee.holdProcess();
                task.process().keepThread();
            }
        }
    }

    /**
     * Such a thread has ended, and nothing is left of it but what its tracer waits for. Caller holds the family lock.
     *
     * @return the tracer; null where it is gone meanwhile
     */
    public static Process threadEnded(Task task) {
        Tracee tracee = task.tracee();
        if (tracee == null) {
            return null;
        }
        tracee.end();
        return tracee.tracer();
    }

    /** Whether the process is kept from its parent, for its tracer to learn of its end first. Family lock held. */
    @KernelFunction(value = "ptrace_reparented", file = "include/linux/ptrace.h")
    public static boolean keptFromParent(Process process) {
        Tracee tracee = process.leader().tracee();
        return tracee != null && tracee.tracer() != process.parent();
    }

    /** Whether the parent learns of stops as the tracer already. */
    public static boolean tracedByParent(Task task) {
        synchronized (task.kernel().familyLock()) {
            Tracee tracee = task.tracee();
            return tracee != null && tracee.tracer() == task.process().parent();
        }
    }

    /**
     * Begins to trace a task that knows nothing of it.
     *
     * @param seize whether the task runs on, and is interrupted only when asked (PTRACE_SEIZE)
     * @param options in force from the start
     */
    @KernelFunction(value = "ptrace_attach", file = "kernel/ptrace.c")
    static long attach(Task tracer, Task task, boolean seize, int options) {
        boolean neverRuns = task.process().group().unkillable(); // would never come to a stop
        if (task.process() == tracer.process() || neverRuns) {
            return -Errno.EPERM;
        }
        boolean privileged = tracer.credentials().effective() == 0;
        if (!tracer.credentials().mayAccess(task.credentials())
                || task.process().dumpable() != 1 && !privileged) {
            return -Errno.EPERM;
        }
        synchronized (tracer.kernel().familyLock()) {
            if (task.isExiting() || task.tracee() != null || task.process().zombie()) {
                return -Errno.EPERM;
            }
            link(task, new Tracee(tracer.process(), seize, options));
        }
        if (!seize) {
            SignalSender.sendToTask(task, SigInfo.kernel(Signals.SIGSTOP));
        }
        task.wake(); // one that job control has stopped stands still for its tracer from now on
        return 0;
    }

    /**
     * Has a seized task stop as soon as it can; one that stands still already stops again once it is resumed, one that
     * listens at once. Any thread.
     */
    static void interrupt(Task task) {
        synchronized (task.process().handlers()) {
            Tracee tracee = task.tracee();
            if (tracee != null) {
                tracee.interrupt();
                task.signalWake();
            }
        }
    }

    /** Another thread is about to take the id of this leader, whose end nobody learns of. */
    public static void leaderReplaced(Task leader) {
        synchronized (leader.kernel().familyLock()) {
            Tracee tracee = leader.tracee();
            if (tracee != null) {
                unlink(leader, 0);
                tracee.tracer().childEvents().wakeAll(); // whoever waited for it perhaps waits for nobody now
            }
        }
    }

    /** The tracer ends: whom it traced runs on by itself, or ends with it. Caller holds the family lock. */
    @KernelFunction(value = "exit_ptrace", file = "kernel/ptrace.c")
    public static void tracerEnds(Process tracer) {
        for (Task task : new ArrayList<>(tracer.tracees())) {
            if (task.tracee().has(PtraceOptions.EXITKILL)) {
                SignalSender.sendToTask(task, SigInfo.kernel(Signals.SIGKILL));
            }
            unlink(task, 0);
        }
    }
}
