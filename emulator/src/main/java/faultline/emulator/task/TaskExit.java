package faultline.emulator.task;

import faultline.emulator.ptrace.PtraceLinks;
import faultline.emulator.ptrace.PtraceStops;
import faultline.emulator.signal.SigInfo;
import faultline.emulator.signal.SignalSender;
import faultline.emulator.signal.Signals;
import faultline.mmu.annotation.KernelFunction;
import java.util.ArrayList;
import java.util.List;

/** The end of a task, and with the last one of its process (kernel/exit.c). Runs on the task's own thread. */
final class TaskExit {
    private TaskExit() {}

    /** Gives back what the task holds, the process' things with the last task. */
    @KernelFunction(value = "do_exit", file = "kernel/exit.c")
    static void exit(Task task) {
        Process process = task.process();
        task.exit(task.exitStatus());
        if (task.tracee() != null) {
            PtraceStops.exit(task, process.group().exiting() ? process.group().exitStatus() : task.exitStatus());
        }
        if (process.dump() != null) {
            process.dump().arrive(task);
        }
        task.kernel().futexes().release(task, FutexExit.DEAD);
        releaseMemory(task);
        task.releaseFiles();
        boolean awaited = task.tracee() != null && task != process.leader();
        if (awaited) {
            PtraceLinks.threadEnds(task);
        }
        boolean last;
        synchronized (process.handlers()) {
            task.times().finish();
            process.times().addEnded(task);
            last = process.tasks().isEmpty();
            if (!last) {
                handOverSignals(process, task);
            }
        }
        if (last) {
            endProcess(process, task);
        } else if (process.tasks().size() == 1) {
            // an execve may wait for the others to be gone
            process.tasks().get(0).wake();
        }
        task.kernel().taskGone(task);
        if (awaited) {
            FamilyNotice.threadEnded(task);
        }
    }

    /** Wakes whoever joins this thread, and a vfork parent (mm_release). */
    @KernelFunction(value = "mm_release", file = "kernel/fork.c")
    private static void releaseMemory(Task task) {
        long address = task.clearChildTid();
        if (address != 0
                && (task.process().tasks().size() > 1 || task.process().space().users() > 1)) {
            task.setClearChildTid(0);
            if (task.user().tryPutInt(address, 0)) {
                task.kernel().futexes().wakeShared(task, address, 1);
            }
        }
        completeVfork(task);
    }

    static void completeVfork(Task task) {
        VforkWait wait = task.vfork();
        if (wait != null) {
            task.setVfork(null);
            wait.complete();
        }
    }

    /** Signals for the process that this task would have taken wake another one. */
    private static void handOverSignals(Process process, Task task) {
        if (process.group().pending().set() != 0 && !process.group().exiting()) {
            for (Task other : process.tasks()) {
                if (other != task) {
                    other.signalWake();
                }
            }
        }
    }

    private static void endProcess(Process process, Task task) {
        Kernel kernel = process.kernel();
        process.intervalTimers().clear();
        process.posixTimers().clear();
        process.times().noteMaxRss(process.space().mm().hiwaterRss());
        process.space().put();
        kernel.cgroups().exit(process);
        kernel.sem().exit(process.pid());
        kernel.shm().exit(process.pid());
        int status = process.group().exiting() ? process.group().exitStatus() : task.exitStatus();
        kernel.terminals().sessionEnds(process);
        kernel.processEnded(process, status);
        leaveFamily(process, status);
    }

    /**
     * Tells the family, all under its lock: to whoever waits, the zombie and the signal that announces it come at once.
     * A parent that has waited for a child finds SIGCHLD pending, and one whose handler runs finds the zombie ({@code
     * child_ends}).
     */
    @KernelFunction(value = "exit_notify", file = "kernel/exit.c")
    private static void leaveFamily(Process process, int status) {
        synchronized (process.kernel().familyLock()) {
            List<Process> orphans = new ArrayList<>();
            reparent(process, orphans);
            Process parent = process.parent();
            hangUpOrphans(process, parent, orphans);
            PtraceLinks.tracerEnds(process);
            process.becomeZombie(status);
            if (process.canBeReaped()) {
                FamilyNotice.ended(process);
            }
        }
    }

    /** The group of this process, or of a child, may have lost the last parent that could continue it. */
    private static void hangUpOrphans(Process process, Process parent, List<Process> orphans) {
        Kernel kernel = process.kernel();
        if (parent.groupId() != process.groupId() && parent.sessionId() == process.sessionId()) {
            kernel.hangUpIfOrphaned(process.groupId(), process);
        }
        for (Process orphan : orphans) {
            if (orphan.groupId() != process.groupId() && orphan.sessionId() == process.sessionId()) {
                kernel.hangUpIfOrphaned(orphan.groupId(), null);
            }
        }
    }

    /**
     * Children get the signal that they asked for, and go to the next subreaper, which is process 1 in the end. Family
     * lock held.
     */
    @KernelFunction(value = "forget_original_parent", file = "kernel/exit.c")
    private static void reparent(Process process, List<Process> orphans) {
        Kernel kernel = process.kernel();
        Process heir = process.parent();
        while (heir != kernel.init() && (!heir.childSubreaper() || heir.zombie())) {
            heir = heir.parent();
        }
        for (Process child : new ArrayList<>(process.children())) {
            process.children().remove(child);
            child.setParent(heir);
            child.setExitSignal(Signals.SIGCHLD);
            orphans.add(child);
            heir.children().add(child);
            if (child.canBeReaped() && child.leader().tracee() == null) {
                FamilyNotice.tellParent(child);
            }
            if (child.parentDeathSignal() != 0 && !child.zombie()) {
                SignalSender.sendToProcess(
                        child, SigInfo.user(child.parentDeathSignal(), SigInfo.SI_USER, process.pid(), kernel.uid()));
            }
        }
    }
}
