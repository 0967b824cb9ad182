/**
 * Tracing of tasks by other processes: ptrace(2) and its stops (kernel/ptrace.c, arch/x86/kernel/ptrace.c).
 *
 * <p>A traced task has a {@link faultline.emulator.ptrace.Tracee}; the fast paths of tasks that are not traced look
 * only whether there is one. The relation, and what a stop tells, are guarded by the kernel's family lock, which is
 * taken before a process' handlers' monitor. Why a task has to stop (a group stop, its end, an interrupt) is guarded by
 * that monitor, as the rest of job control: a task takes what is due as it looks for signals, and what comes later
 * makes it stop once more. A stopped task waits without locks; its registers are its tracer's until it is resumed.
 *
 * <p>A thread that is not its process' leader, and that somebody traces, is a zombie of its own when it has ended. Its
 * process' end is told to nobody, and a thread that executes a program does not go on, until the tracer has waited for
 * it or is gone: {@link faultline.emulator.task.FamilyNotice}.
 *
 * <table>
 * <caption>What there is</caption>
 * <tr><td>to begin and end</td><td>TRACEME, ATTACH, SEIZE, DETACH, KILL, PTRACE_O_EXITKILL, the tracer's end</td></tr>
 * <tr><td>stops</td><td>signals, single steps, group stops (LISTEN), INTERRUPT, system calls (SYSCALL, TRACESYSGOOD),
 *     execve as SIGTRAP or event, events of fork, vfork, clone and exit, ends of threads</td></tr>
 * <tr><td>what is seen</td><td>memory, USER area, GETREGS, GETFPREGS, GETREGSET, GETSIGINFO, GETSIGMASK, and
 *     their setters, GETEVENTMSG, GET_SYSCALL_INFO</td></tr>
 * <tr><td>refused with EIO</td><td>SYSEMU, SINGLEBLOCK</td></tr>
 * <tr><td>debug registers</td><td>no address can be watched (ENOSPC, as where all are taken); DR6 and DR7 keep what is
 *     written until the task is let go</td></tr>
 * <tr><td>otherwise than Linux</td><td>every task of the tracing process may make requests, not only the one that
 *     attached, and tracing ends with that process, not with the one task</td></tr>
 * </table>
 */
package faultline.emulator.ptrace;
