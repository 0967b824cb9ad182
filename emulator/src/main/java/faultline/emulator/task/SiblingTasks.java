package faultline.emulator.task;

import faultline.emulator.ptrace.PtraceLinks;
import faultline.mmu.annotation.KernelFunction;

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
        synchronized (process.handlers()) {
            if (process.group().exiting() || task.killed()) {
                return false;
            }
            for (Task other : process.tasks()) {
                if (other != task) {
                    other.kill();
                }
            }
        }
        while (process.tasks().size() > 1) {
            if (process.group().exiting() || task.killed()) {
                return false;
            }
            task.parkUninterruptibly(10_000_000);
        }
        if (process.leader() != task) {
            synchronized (task.kernel().familyLock()) {
                PtraceLinks.unlink(process.leader(), 0);
            }
            task.kernel().rename(task, process.pid());
            process.setLeader(task);
        }
        return true;
    }
}
