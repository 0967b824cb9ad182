package faultline.emulator.task;

import faultline.emulator.signal.SigAction;
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
        if (process.dump() != null) {
            process.dump().arrive(task);
        }
        task.kernel().futexes().release(task, FutexExit.DEAD);
        releaseMemory(task);
        task.releaseFiles();
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
        kernel.sem().exit(process.pid());
        kernel.shm().exit(process.pid());
        int status = process.group().exiting() ? process.group().exitStatus() : task.exitStatus();
        List<Process> orphans = new ArrayList<>();
        Process parent;
        boolean reapsItself;
        synchronized (kernel.familyLock()) {
            reparent(process, orphans);
            parent = process.parent();
            reapsItself = parent == null || ignoresChildren(parent) && process.exitSignal() == Signals.SIGCHLD;
            process.becomeZombie(status);
            process.tellWatchers();
            if (reapsItself) {
                kernel.forget(process);
            }
        }
        kernel.terminals().sessionEnds(process);
        hangUpOrphans(process, parent, orphans);
        for (Process orphan : orphans) {
            if (orphan.parentDeathSignal() != 0) {
                SignalSender.sendToProcess(
                        orphan, SigInfo.user(orphan.parentDeathSignal(), SigInfo.SI_USER, process.pid(), kernel.uid()));
            }
        }
        if (parent != null) {
            notifyParent(process, parent, status);
        }
        kernel.processEnded(process, status);
    }

    /** The group of this process, or of a child, may have lost the last parent that could continue it. */
    private static void hangUpOrphans(Process process, Process parent, List<Process> orphans) {
        Kernel kernel = process.kernel();
        if (parent != null && parent.groupId() != process.groupId() && parent.sessionId() == process.sessionId()) {
            kernel.hangUpIfOrphaned(process.groupId(), process);
        }
        for (Process orphan : orphans) {
            if (orphan.groupId() != process.groupId() && orphan.sessionId() == process.sessionId()) {
                kernel.hangUpIfOrphaned(orphan.groupId(), null);
            }
        }
    }

    /** Children go to the next subreaper, else to nobody: then they are reaped when they end. Family lock held. */
    private static void reparent(Process process, List<Process> orphans) {
        Process heir = process.parent();
        while (heir != null && (!heir.childSubreaper() || heir.zombie())) {
            heir = heir.parent();
        }
        for (Process child : new ArrayList<>(process.children())) {
            process.children().remove(child);
            child.setParent(heir);
            orphans.add(child);
            if (heir != null) {
                heir.children().add(child);
            } else if (child.zombie()) {
                process.kernel().forget(child);
            }
        }
        if (heir != null) {
            heir.childEvents().wakeAll();
        }
    }

    private static boolean ignoresChildren(Process parent) {
        synchronized (parent.handlers()) {
            SigAction action = parent.handlers().get(Signals.SIGCHLD);
            return action.handler() == SigAction.SIG_IGN || action.has(SigAction.SA_NOCLDWAIT);
        }
    }

    private static void notifyParent(Process process, Process parent, int status) {
        int signal = process.exitSignal();
        if (signal != 0) {
            SignalSender.sendToProcess(
                    parent,
                    SigInfo.child(
                            signal,
                            SigInfo.codeOfEnd(status),
                            process.pid(),
                            process.kernel().uid(),
                            SigInfo.valueOfEnd(status),
                            process.times().userTicks(),
                            process.times().systemTicks()));
        }
        parent.childEvents().wakeAll();
    }
}
