/**
 * Tasks and processes, the virtual CPU they take turns to own, and the machine that holds them all.
 *
 * <p>A task is a Java platform thread: its Java stack is its kernel stack. It owns the virtual CPU while guest code of
 * it runs and at no other time; system calls and faults that wait run without it, beside other tasks. Who gets it next
 * is who has had least of it, weighed by nice values ({@code RunQueue}); a task that waits costs nothing but its
 * thread's stack.
 */
package faultline.emulator.task;
