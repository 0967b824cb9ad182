/**
 * Tasks and processes, the virtual CPU they take turns to own, and the machine that holds them all.
 *
 * <p>A task is a Java platform thread: its Java stack is its kernel stack. It owns the virtual CPU while guest code of it
 * runs and at no other time; system calls and faults that wait run without it, beside other tasks.
 */
package faultline.emulator.task;
