package faultline.emulator.task;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/** Gives ids to tasks, in turn (struct pid_namespace). The family lock guards it, but what is read alone. */
public final class PidAllocator implements Sysctl {
    private static final String LAST_PID = "kernel/ns_last_pid";
    /** Where numbers go on after the highest (RESERVED_PIDS). */
    private static final int FIRST_AGAIN = 300;

    private final Kernel kernel;
    private volatile int next;
    private volatile long given;

    /** @param first the first id to give */
    PidAllocator(Kernel kernel, int first) {
        this.kernel = kernel;
        this.next = first;
    }

    /** Ids given out so far (Linux: {@code total_forks}). Any thread. */
    public long given() {
        return given;
    }

    /** An id that no task, process, group or session has. Takes the family lock. */
    @KernelFunction(value = "alloc_pid", file = "kernel/pid.c")
    @SuppressWarnings("NonAtomicOperationOnVolatileField") // under the family lock
    int allocate() {
        synchronized (kernel.familyLock()) {
            while (true) {
                int pid = next;
                next = pid + 1 >= Kernel.PID_MAX ? FIRST_AGAIN : pid + 1;
                if (isFree(pid)) {
                    given++;
                    return pid;
                }
            }
        }
    }

    private boolean isFree(int pid) {
        if (kernel.processes().containsKey(pid) || kernel.tasks().containsKey(pid)) {
            return false;
        }
        for (Process process : kernel.processes().values()) {
            if (process.groupId() == pid || process.sessionId() == pid) {
                return false;
            }
        }
        return true;
    }

    @Override
    public String get(String name) {
        return name.equals(LAST_PID) ? Integer.toString(next - 1) : null;
    }

    @Override
    @KernelFunction(value = "pid_ns_ctl_handler", file = "kernel/pid_namespace.c")
    public long set(String name, String value) {
        int last = Integer.parseInt(value);
        if (last < 0 || last > Kernel.PID_MAX) {
            return -Errno.EINVAL;
        }
        synchronized (kernel.familyLock()) {
            next = last + 1 >= Kernel.PID_MAX ? FIRST_AGAIN : Math.max(last + 1, StandIns.INIT + 1);
        }
        return 0;
    }
}
