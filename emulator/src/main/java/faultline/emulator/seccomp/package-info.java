/**
 * Secure computing: programs of classic BPF that a task puts before its own system calls.
 *
 * <p>{@link faultline.emulator.seccomp.BpfProgram} checks and runs one, {@link
 * faultline.emulator.seccomp.SeccompFilter} is the chain of them that a task has gathered, and {@link
 * faultline.emulator.seccomp.SeccompState} what a task is under; what a verdict does to the task is the task layer's.
 * Everything here is immutable: tasks share what they inherit.
 */
package faultline.emulator.seccomp;
