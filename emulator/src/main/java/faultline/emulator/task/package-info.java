/**
 * Tasks and processes, the virtual CPU they take turns to own, and the machine that holds them all.
 *
 * <p>A task is a Java platform thread: its Java stack is its kernel stack. It owns the virtual CPU while guest code of
 * it runs and at no other time; system calls and faults that wait run without it, beside other tasks. Who gets it next
 * is who has had least of it, weighed by nice values ({@code RunQueue}); a task that waits costs nothing but its
 * thread's stack.
 *
 * <table>
 * <caption>Where to look</caption>
 * <tr><th>for</th><th>classes</th></tr>
 * <tr><td>the machine, its start and end</td><td>{@code GuestSpec}, {@code GuestMachine}, {@code Kernel}, {@code
 *     MachineEnd}, {@code KernelPanic}, {@code StandIns}, {@code OomKiller}</td></tr>
 * <tr><td>a task's life</td><td>{@code Task}, {@code TaskLoop}, {@code Clone*}, {@code Exec*}, {@code Program*}, {@code
 *     TaskExit}, {@code ChildWait}, {@code VforkWait}, {@code DumpWait}</td></tr>
 * <tr><td>what processes have</td><td>{@code Process}, {@code Process*}, {@code Rlimits}, {@code Credentials}, {@code
 *     PidAllocator}, {@code PidFile}, {@code Terminals}</td></tr>
 * <tr><td>who runs</td><td>{@code VirtualCpu}, {@code RunQueue}, {@code Sched*}; with a seed {@code Seeded*}</td></tr>
 * <tr><td>time and sleep</td><td>{@code KernelClock}, {@code Time*}, {@code *Timers}, {@code Sleeps}, {@code
 *     WaitQueue}</td></tr>
 * <tr><td>memory of a task</td><td>{@code UserSpace}, {@code TaskMemory}, {@code UserTaskMemory}, {@code OtherMemory},
 *     {@code UserFault}, {@code Rseq}, {@code FutexExit}</td></tr>
 * </table>
 *
 * <p>An exception that nobody expected, on whatever thread, stops the machine where it stands ({@code MachineEnd}):
 * locks that the thread held stay held, so nobody is waited for and nothing is taken apart.
 */
package faultline.emulator.task;
