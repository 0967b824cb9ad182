package faultline.emulator.task;

import faultline.emulator.cpu.CpuState;
import faultline.emulator.host.Nr;
import faultline.emulator.seccomp.SeccompData;
import faultline.emulator.seccomp.SeccompFilter;
import faultline.emulator.seccomp.SeccompState;
import faultline.emulator.signal.SigInfo;
import faultline.emulator.signal.SignalSender;
import faultline.emulator.signal.Signals;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;

/** What secure computing does to a task at the entry of a system call. */
final class SeccompEntry {
    /** The call goes on; no system call returns it. */
    static final long ADMITTED = Long.MIN_VALUE;

    private static final int MOST_ERRNO = 4095;

    private SeccompEntry() {}

    /**
     * Asks what the task is under.
     *
     * @return {@link #ADMITTED}, or what the call returns instead of being made
     */
    @KernelFunction(value = "__secure_computing", file = "kernel/seccomp.c")
    static long check(Task task, int number) {
        SeccompState state = task.seccomp();
        if (state.mode() == SeccompState.MODE_STRICT) {
            if (number != Nr.READ && number != Nr.WRITE && number != Nr.EXIT && number != Nr.RT_SIGRETURN) {
                task.exit(Signals.SIGKILL);
                return number;
            }
            return ADMITTED;
        }
        CpuState registers = task.cpuState();
        SeccompData call = new SeccompData(
                number,
                registers.get(CpuState.RIP),
                registers.get(CpuState.RDI),
                registers.get(CpuState.RSI),
                registers.get(CpuState.RDX),
                registers.get(CpuState.R10),
                registers.get(CpuState.R8),
                registers.get(CpuState.R9));
        int verdict = state.filter().verdict(call);
        return switch (SeccompFilter.action(verdict)) {
            case SeccompFilter.ALLOW, SeccompFilter.LOG -> ADMITTED;
            case SeccompFilter.ERRNO -> -(long) Math.min(SeccompFilter.data(verdict), MOST_ERRNO);
            // nobody traces
            case SeccompFilter.TRACE -> -Errno.ENOSYS;
            case SeccompFilter.TRAP -> {
                SignalSender.force(task, signal(call, SeccompFilter.data(verdict)));
                yield number; // as if the call had not begun
            }
            case SeccompFilter.KILL_THREAD -> {
                kill(task, call, task.process().tasks().size() == 1);
                yield number;
            }
            default -> {
                kill(task, call, true);
                yield number;
            }
        };
    }

    private static void kill(Task task, SeccompData call, boolean process) {
        if (process) {
            SignalSender.forceFatal(task, signal(call, 0));
        } else {
            task.exit(Signals.SIGSYS);
        }
    }

    private static SigInfo signal(SeccompData call, int data) {
        return SigInfo.systemCall(call.instructionPointer(), data, call.number(), SeccompData.ARCH);
    }
}
