/**
 * POSIX message queues (ipc/mqueue.c): queues by name, whose messages have priorities, and which are open files.
 *
 * <p>They are the machine's own: the host's are neither seen nor changed, and no file system shows them. Only a
 * notification by a thread borrows a nameless queue of the host, see {@link
 * faultline.emulator.syscall.mqueue.ThreadNotice}. A message goes
 * straight to a task that waits for one, and only otherwise into the queue; whoever takes a message out of a full one
 * puts in that of the first who waits to send. So who waits finds itself done, not merely possible.
 *
 * <p>Lock order: {@link faultline.emulator.syscall.mqueue.MqueueTable}'s monitor, then a queue's. A notification is
 * sent under the queue's, and takes the monitor of the owner's signal handlers.
 */
package faultline.emulator.syscall.mqueue;
