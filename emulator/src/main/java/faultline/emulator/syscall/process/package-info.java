/** Calls about processes and threads themselves: identity, limits, usage, scheduling, birth, waiting and end. */
package faultline.emulator.syscall.process;
