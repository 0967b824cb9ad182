package faultline.plugins.guest;

import java.util.List;

/** What filters and reports ask about the guest, on behalf of the calling thread. */
public interface GuestView {
    /** The thread belongs to no task: set-up and tear-down of the machine, helper threads. */
    int NO_TASK = 0;

    /** The task's id, or {@link #NO_TASK}. */
    int tid();

    /** The process' id. */
    int pid();

    /** The task's command name. */
    String comm();

    /** Name of the system call being run, or {@code "none"}: the task is in a page fault of user code. */
    String syscall();

    /** Name of the mapping that holds the address, as {@code /proc/PID/maps} has it; empty when there is none. */
    String vma(long address);

    /** The guest's call stack, innermost first, with symbols. */
    List<String> stack();
}
