/**
 * The host kernel as the emulator sees it: raw system calls and the buffers they need.
 *
 * <p>Everything goes through libc's {@code syscall(2)}, so that no wrapper of libc stands between what a guest asked
 * for and what the kernel answers (no 64-bit emulation, no cancellation points, no struct translation). The host is an
 * x86-64 Linux, as the guest is: numbers, structures, flags and errno values are one and the same, and results pass
 * unchanged.
 */
package faultline.emulator.host;
