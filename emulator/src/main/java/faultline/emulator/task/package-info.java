/**
 * Tasks and processes, the virtual CPU they take turns to own, and the machine that holds them all.
 *
 * <p>A task is a Java platform thread: its Java stack is its kernel stack. It owns the virtual CPU while guest code of
 * it runs and at no other time; system calls and faults that wait run without it, beside other tasks. Who gets it next
 * is who has had least of it, weighed by nice values ({@code RunQueue}); a task that waits costs nothing but its
 * thread's stack.
 *
 * <p>An exception that nobody expected, on whatever thread, stops the machine where it stands ({@code MachineEnd}):
 * locks that the thread held stay held, so nobody is waited for and nothing is taken apart.
 */
package faultline.emulator.task;
