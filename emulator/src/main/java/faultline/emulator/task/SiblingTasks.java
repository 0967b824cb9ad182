package faultline.emulator.task;

import faultline.emulator.ptrace.PtraceLinks;
import faultline.emulator.signal.SignalSender;
import faultline.mmu.annotation.KernelFunction;
import java.util.ArrayList;
import java.util.List;

/** The other tasks of a process that executes a new program (de_thread). */
final class SiblingTasks {
    private SiblingTasks() {}

    /**
     * Ends all other tasks of the process and makes {@code task} its leader.
     *
     * @return false when another task ends the process meanwhile
     */
    @KernelFunction(value = "de_thread", file = "fs/exec.c")
    static boolean end(Task task) {
        Process process = task.process();
        List<Task> others = new ArrayList<>();
        synchronized (process.handlers()) {
            if (process.group().exiting() || task.killed()) {
                return false;
            }
            for (Task other : process.tasks()) {
                if (other != task) {
                    other.kill();
                    others.add(other);
                }
            }
        }
        while (process.tasks().size() > 1 || anyKept(process, others)) {
            if (process.group().exiting() || task.killed() || SignalSender.isDying(task)) {
                return false;
            }
            task.parkUninterruptibly(10_000_000);
        }
        if (process.leader() != task) {
            PtraceLinks.leaderReplaced(process.leader());
            task.kernel().rename(task, process.pid());
            process.setLeader(task);
        }
        return true;
    }

    /** Whether one of the threads that had to end is still there for its tracer; the leader is not waited for. */
    private static boolean anyKept(Process process, List<Task> others) {
        synchronized (process.kernel().familyLock()) {
            return others.stream().anyMatch(other -> other != process.leader() && other.tracee() != null);
        }
    }
}
