/**
 * The table of system calls and how one is dispatched. The calls themselves live in sub-packages by theme, each a
 * {@link faultline.emulator.syscall.SyscallFamily}: {@code memory}, {@code process}, {@code time}, {@code signal},
 * {@code futex}, {@code file}.
 */
package faultline.emulator.syscall;
