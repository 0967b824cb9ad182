/** The system calls about signals; what they work on is {@link faultline.emulator.signal}. */
package faultline.emulator.syscall.signal;
