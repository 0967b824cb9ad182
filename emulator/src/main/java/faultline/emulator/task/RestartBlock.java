package faultline.emulator.task;

import faultline.mmu.Errno;

/** How a call that was interrupted goes on with what is left of it, once restart_syscall(2) is made. */
@FunctionalInterface
public interface RestartBlock {
    long restart(Task task);

    /** What a task has that never was interrupted so (do_no_restart_syscall). */
    RestartBlock NONE = task -> -Errno.EINTR;
}
