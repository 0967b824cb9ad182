package faultline.emulator.task;

import faultline.emulator.cpu.CpuEngine;
import faultline.emulator.cpu.CpuState;
import faultline.emulator.cpu.Exit;
import faultline.emulator.ptrace.PtraceStops;
import faultline.emulator.seccomp.SeccompState;
import faultline.emulator.signal.SigInfo;
import faultline.emulator.signal.SignalDelivery;
import faultline.emulator.signal.SignalSender;
import faultline.emulator.syscall.Restart;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.FaultHandler;

/**
 * The life of a task: own the virtual CPU, run guest code until something needs the kernel, see to it, again.
 *
 * <pre>
 *   signals due? ─▶ deliver ─▶ acquire CPU ─▶ run ─▶ release ─▶ system call | fault | exception | stopped ─▶ …
 * </pre>
 */
final class TaskLoop implements Runnable {
    /** Faults without memory, and none resolved between them, after which the task is killed. */
    private static final int OOM_TRIES = 16;

    private final Task task;
    private final Kernel kernel;
    private final VirtualCpu cpu;
    private final CpuState state;
    private final FaultContext fault;
    private int oomFaults;
    private long oomProgress;

    TaskLoop(Task task) {
        this.task = task;
        this.kernel = task.kernel();
        this.cpu = kernel.cpu();
        this.state = task.cpuState();
        this.fault = task.fault();
    }

    @Override
    public void run() {
        try {
            task.times().bind(Thread.currentThread());
            task.noteHostTid();
            cpu.begin(task);
            while (!task.isExiting() && step()) {
                // one stay in guest code a step
            }
            if (kernel.end().hasPanicked()) {
                return; // with whatever it has: others may hold what giving it back takes
            }
            TaskExit.exit(task);
            cpu.end(task);
        } catch (RuntimeException | Error e) {
            kernel.end().panic(KernelPanic.in(task, e));
        }
    }

    /** Returns false when the task has to end. */
    private boolean step() {
        cpu.betweenStays(task);
        if (task.signalPending() && (kernel.end().hasPanicked() || !SignalDelivery.deliver(task))) {
            return false;
        }
        cpu.acquire(task);
        if (task.signalPending()) {
            cpu.release();
            return true;
        }
        Exit exit;
        CpuEngine engine = task.process().space().engine();
        if (task.tracee() != null) {
            PtraceStops.armStep(task);
        }
        cpu.enterGuest(task, engine);
        try {
            exit = engine.run(state, fault);
        } finally {
            cpu.leaveGuest(task, engine);
            cpu.release();
        }
        switch (exit) {
            case SYSCALL -> systemCall();
            case FAULT_SIGNAL -> faultSignal();
            // As for a fault that has to wait: outside of guest code there are more ways to find memory.
            case FAULT_RETRY, FAULT_OOM -> {
                retryFault();
                task.rseq().resume();
            }
            case EXCEPTION -> CpuException.raise(task);
            case STOPPED -> stopped();
        }
        return true;
    }

    /** Another task's turn, or a signal: the next step sees. */
    private void stopped() {
        if (!task.signalPending()) {
            task.times().notePreempted();
        }
        task.rseq().resume();
    }

    private void systemCall() {
        int number = (int) state.get(CpuState.RAX);
        task.enterSyscall(number);
        if (task.tracee() != null) {
            tracedCall(number);
        } else {
            call(number);
        }
    }

    /** A call between the two stops that a tracer may have asked for. */
    private void tracedCall(int number) {
        int wanted = PtraceStops.enterCall(task, number);
        if (SignalSender.isDying(task)) {
            return;
        }
        if (wanted >= 0) {
            call(wanted);
        }
        if (!task.isExiting()) {
            PtraceStops.leaveCall(task, wanted);
        }
    }

    private void call(int number) {
        long refused =
                task.seccomp() == SeccompState.DISABLED ? SeccompEntry.ADMITTED : SeccompEntry.check(task, number);
        long result = refused == SeccompEntry.ADMITTED ? dispatch(number) : refused;
        if (!task.inSyscall()) {
            // sigreturn and execve have set all registers
            return;
        }
        state.set(CpuState.RAX, result);
        if (Restart.isRestart(result)) {
            // delivery decides, also when another task has taken the signal meanwhile
            task.setSignalDue(true);
            return;
        }
        if (!task.signalPending()) {
            task.leaveSyscall();
        }
    }

    private long dispatch(int number) {
        return kernel.syscalls()
                .dispatch(
                        task,
                        number,
                        state.get(CpuState.RDI),
                        state.get(CpuState.RSI),
                        state.get(CpuState.RDX),
                        state.get(CpuState.R10),
                        state.get(CpuState.R8),
                        state.get(CpuState.R9));
    }

    private void retryFault() {
        fault.mayWait = true;
        fault.mayBlock = true;
        int result = kernel.memory().faults().doUserAddrFault(task.mm(), fault.address, fault.errorCode, fault);
        if (result == FaultHandler.FAULT_SIGNAL) {
            faultSignal();
        } else if (result == FaultHandler.FAULT_OOM) {
            faultWithoutMemory();
        }
    }

    /**
     * A fault found no memory, though the OOM killer was asked. Linux simply has the instruction run, and fault, again,
     * since its allocator has killed somebody before it says no: this task, or one that is still ending. An allocation
     * that fails for another reason, again and again, costs the task that asks its life.
     */
    @KernelFunction(value = "pagefault_out_of_memory", file = "mm/oom_kill.c")
    private void faultWithoutMemory() {
        long progress = fault.minFlt + fault.majFlt;
        oomFaults = progress == oomProgress ? oomFaults + 1 : 1;
        oomProgress = progress;
        if (oomFaults > OOM_TRIES) {
            kernel.outOfMemory(task);
        }
    }

    private void faultSignal() {
        task.leaveSyscall();
        task.signals().noteTrap(fault.trapNumber, fault.errorCode);
        if (fault.trapNumber == CpuException.PAGE_FAULT) {
            task.signals().noteFaultAddress(fault.address);
        }
        SigInfo info = fault.siCode == SigInfo.SI_KERNEL
                ? SigInfo.kernel(fault.siSigno)
                : SigInfo.fault(fault.siSigno, fault.siCode, fault.siAddr);
        SignalSender.force(task, info);
    }
}
