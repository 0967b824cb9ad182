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

    /** Counts the task's own fail-nth down, as {@code should_fail_ex()} does; true when this is the call to fail. */
    default boolean countFailNth() {
        return false;
    }

    /** Whether the task's own fail-nth is counting: nothing else fails meanwhile. */
    default boolean hasFailNth() {
        return false;
    }

    /** The task's make-it-fail. */
    default boolean makeItFail() {
        return false;
    }

    /** The guest's call stack, innermost first, with symbols. */
    List<String> stack();
}
