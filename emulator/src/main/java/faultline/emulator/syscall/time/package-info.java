/** Clocks, sleeps and timers. */
package faultline.emulator.syscall.time;
