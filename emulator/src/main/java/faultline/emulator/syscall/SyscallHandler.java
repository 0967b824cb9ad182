package faultline.emulator.syscall;

import faultline.emulator.task.Task;

/**
 * One system call's entry. Runs on the calling task's own thread, without the virtual CPU, so it may block.
 *
 * <p>The result is what the guest finds in {@code rax}: a value ≥ 0 (or any value that is no error), or {@code -errno}.
 * An interrupted call returns one of {@link Restart}'s codes, which never reach the guest: signal delivery turns them
 * into {@code -EINTR} or a restart. A {@link faultline.emulator.task.UserFault} thrown from {@link
 * faultline.emulator.task.TaskMemory} becomes {@code -EFAULT}.
 */
@FunctionalInterface
public interface SyscallHandler {
    long call(Task task, long a0, long a1, long a2, long a3, long a4, long a5);
}
