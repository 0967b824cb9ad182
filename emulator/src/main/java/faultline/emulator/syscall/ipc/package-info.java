/**
 * System V shared memory. A segment is memory of the machine with a key and an owner; an attachment is an open file of it, of
 * which every mapping holds a reference: their number is {@code shm_nattch}, kept over fork, exec, exit and splits without
 * anybody counting.
 *
 * <p>Lock order: an address space's mmap lock, then the table's monitor.
 */
package faultline.emulator.syscall.ipc;
