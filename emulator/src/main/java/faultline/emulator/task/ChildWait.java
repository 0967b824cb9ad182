package faultline.emulator.task;

import faultline.emulator.ptrace.PtraceLinks;
import faultline.emulator.signal.SigInfo;
import faultline.emulator.signal.Signals;
import faultline.emulator.syscall.Restart;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/** Waiting for children to end, stop or go on (do_wait). */
public final class ChildWait {
    public static final int WNOHANG = 1;
    public static final int WSTOPPED = 2;
    public static final int WEXITED = 4;
    public static final int WCONTINUED = 8;
    public static final int WNOWAIT = 0x0100_0000;

    private ChildWait() {}

    /**
     * What happened to which child.
     *
     * @param child the process, or that of a traced task; null when {@code error} says why there is none
     * @param id of the process or traced task
     * @param code CLD_EXITED, CLD_KILLED, CLD_DUMPED, CLD_TRAPPED, CLD_STOPPED or CLD_CONTINUED
     * @param value exit status or signal
     * @param status as wait4(2) encodes it
     * @param error 0 with WNOHANG and nothing to tell, else -errno
     */
    public record Event(Process child, int id, int code, int value, int status, long error) {
        private static Event none(long error) {
            return new Event(null, 0, 0, 0, 0, error);
        }
    }

    /** Which children, and traced tasks, a wait is for. */
    @FunctionalInterface
    public interface Wanted {
        /**
         * Whether it is for this one.
         *
         * @param id the child's, or of a traced task, which may be one of several of {@code process}
         */
        boolean test(Process process, int id);
    }

    /** Waits for an event of a child that {@code wanted} accepts. */
    @KernelFunction(value = "do_wait", file = "kernel/exit.c")
    public static Event wait(Task task, Wanted wanted, int options) {
        Process parent = task.process();
        parent.childEvents().add(task);
        try {
            while (true) {
                Event event = look(parent, wanted, options);
                if (event.child() != null || event.error() != 0 || (options & WNOHANG) != 0) {
                    return event;
                }
                if (task.signalPending()) {
                    return Event.none(-Restart.ERESTARTSYS);
                }
                task.park(Sleeps.NEVER);
            }
        } finally {
            parent.childEvents().remove(task);
        }
    }

    private static Event look(Process parent, Wanted wanted, int options) {
        synchronized (parent.kernel().familyLock()) {
            boolean any = false;
            for (Process child : parent.children()) {
                if (!wanted.test(child, child.pid())) {
                    continue;
                }
                any = true;
                Event event = eventOf(parent, child, options);
                if (event != null) {
                    return event;
                }
            }
            for (Task tracee : parent.tracees()) {
                if (!wanted.test(tracee.process(), tracee.tid())) {
                    continue;
                }
                any = true;
                Event event = stopOf(tracee, options);
                if (event != null) {
                    return event;
                }
            }
            return Event.none(any ? 0 : -Errno.ECHILD);
        }
    }

    private static Event eventOf(Process parent, Process child, int options) {
        boolean keep = (options & WNOWAIT) != 0;
        if (child.zombie()) {
            boolean kept = !child.canBeReaped() || PtraceLinks.keptFromParent(child);
            return (options & WEXITED) == 0 || kept ? null : reap(parent, child, keep);
        }
        int change = child.unreportedChange();
        if (change == SigInfo.CLD_STOPPED && (options & WSTOPPED) != 0) {
            forgetChange(child, keep);
            int signal = child.group().stopSignal();
            return new Event(child, child.pid(), change, signal, signal << 8 | 0x7f, 0);
        }
        if (change == SigInfo.CLD_CONTINUED && (options & WCONTINUED) != 0) {
            forgetChange(child, keep);
            return new Event(child, child.pid(), change, Signals.SIGCONT, 0xffff, 0);
        }
        return null;
    }

    /** The end of a traced task, or the stop that its tracer has not been told of; it needs not ask for stops. */
    @KernelFunction(value = "wait_task_stopped", file = "kernel/exit.c")
    private static Event stopOf(Task task, int options) {
        Process process = task.process();
        boolean thread = task.tracee().ended();
        if (thread || process.canBeReaped()) {
            if ((options & WEXITED) == 0) {
                return null;
            }
            if ((options & WNOWAIT) == 0) {
                PtraceLinks.unlink(task, 0);
            }
            return thread ? ended(process, task.tid(), FamilyNotice.statusOf(task)) : ended(process);
        }
        int stop = task.tracee().unreportedStop();
        if (stop == 0) {
            return null;
        }
        if ((options & WNOWAIT) == 0) {
            task.tracee().reported();
        }
        return new Event(process, task.tid(), SigInfo.CLD_TRAPPED, stop, stop << 8 | 0x7f, 0);
    }

    private static void forgetChange(Process child, boolean keep) {
        if (!keep) {
            child.setUnreportedChange(0);
        }
    }

    private static Event reap(Process parent, Process child, boolean keep) {
        if (!keep) {
            parent.kernel().forget(child);
            parent.times().addChild(child.times());
        }
        return ended(child);
    }

    private static Event ended(Process child) {
        return ended(child, child.pid(), child.waitStatus());
    }

    private static Event ended(Process child, int id, int status) {
        return new Event(child, id, SigInfo.codeOfEnd(status), SigInfo.valueOfEnd(status), status, 0);
    }
}
