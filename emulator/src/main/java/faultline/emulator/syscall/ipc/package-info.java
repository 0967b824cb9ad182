/**
 * System V shared memory, semaphores and message queues. Objects of all kinds have ids, keys, owners and modes in the
 * same way.
 *
 * <p>A segment is memory of the machine with a key and an owner; an attachment is an open file of it, of
 * which every mapping holds a reference: their number is {@code shm_nattch}, kept over fork, exec, exit and splits
 * without anybody counting.
 *
 * <p>Of semaphores, whoever changes a set does at once what others wait to do with it, and wakes them with the result;
 * so a waiting call finds itself done, not merely possible. What SEM_UNDO adjusts belongs to the process: its threads
 * share it.
 *
 * <p>A message goes straight to a task that waits for one like it, and only otherwise into the queue. Who waits for
 * room is woken by whoever makes some, and tries again.
 *
 * <p>Lock order: an address space's mmap lock, then a table's monitor.
 */
package faultline.emulator.syscall.ipc;
