package faultline.emulator.task;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.mmu.annotation.KernelFunction;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Whose a task is, as other tasks need to know it. The truth is the host thread's, which carries the guest's ids for
 * all that the host decides; this is what it was after the last change.
 *
 * @param real what kill(2) compares
 * @param effective 0 may do what capabilities allow
 * @param saved what kill(2) compares, too
 * @param group the effective group, whose objects of System V IPC the task may use
 */
public record Credentials(int real, int effective, int saved, int group) {
    /** Those of the calling thread. */
    public static Credentials ofThread() {
        MemorySegment ids = HostScratch.get().struct();
        long at = ids.address();
        Libc.call(Nr.GETRESUID, at, at + 4, at + 8);
        return new Credentials(
                ids.get(ValueLayout.JAVA_INT, 0),
                ids.get(ValueLayout.JAVA_INT, 4),
                ids.get(ValueLayout.JAVA_INT, 8),
                (int) Libc.call(Nr.GETEGID));
    }

    private boolean privileged() {
        return effective == 0;
    }

    /** Whether limits may be passed and failures be chosen for a task (CAP_SYS_RESOURCE). */
    public boolean mayPassLimits() {
        return privileged();
    }

    /** Whether a signal may be sent. */
    @KernelFunction(value = "kill_ok_by_cred", file = "kernel/signal.c")
    public boolean maySignal(Credentials target) {
        return privileged()
                || effective == target.saved
                || effective == target.real
                || real == target.saved
                || real == target.real;
    }

    /** Whether policy, priority and affinity may be set. */
    @KernelFunction(value = "check_same_owner", file = "kernel/sched/syscalls.c")
    public boolean maySchedule(Credentials target) {
        return privileged() || effective == target.effective || effective == target.real;
    }

    /** Whether memory and descriptors may be looked at. Whether the target may be dumped is asked elsewhere. */
    @KernelFunction(value = "__ptrace_may_access", file = "kernel/ptrace.c")
    public boolean mayAccess(Credentials target) {
        boolean same = real == target.real && real == target.effective && real == target.saved;
        return privileged() || same;
    }
}
