/** System calls about the address space: thin wrappers over the memory manager's operations. */
package faultline.emulator.syscall.memory;
