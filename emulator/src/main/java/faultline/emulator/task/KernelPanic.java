package faultline.emulator.task;

import faultline.emulator.cpu.CpuState;
import faultline.mmu.annotation.KernelFunction;

/**
 * A mistake of the emulator's own ended the machine: an exception that nobody expected, in a task or in a thread that
 * works for all of them. The cause is that exception; the message also says what the machine was doing.
 */
@KernelFunction(value = "panic", file = "kernel/panic.c")
public final class KernelPanic extends RuntimeException {
    private static final long serialVersionUID = 1;

    private KernelPanic(String where, Throwable cause) {
        super(cause + ", in " + where, cause);
    }

    /** In a task, on its own thread. */
    static KernelPanic in(Task task, Throwable cause) {
        String doing = task.inSyscall()
                ? "system call " + task.kernel().syscalls().name(task.syscallNumber()) + ", at"
                : "guest code or its faults, entered at";
        return new KernelPanic(
                "task " + task.tid() + " (" + task.name() + "), " + doing + " 0x"
                        + Long.toHexString(task.cpuState().get(CpuState.RIP)),
                cause);
    }

    /** In one of the machine's own threads. */
    static KernelPanic in(Thread thread, Throwable cause) {
        return new KernelPanic("thread " + thread.getName(), cause);
    }
}
