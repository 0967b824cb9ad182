package faultline.emulator.ptrace;

import faultline.emulator.cpu.CpuState;
import faultline.emulator.host.Nr;
import faultline.emulator.signal.SigInfo;
import faultline.emulator.signal.SignalSender;
import faultline.emulator.signal.Signals;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.OtherMemory;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** ptrace(2): finds the traced task, makes sure that it stands still, and does what is asked. */
public final class PtraceCalls implements SyscallFamily {
    private static final int TRACEME = 0;
    private static final int PEEKTEXT = 1;
    private static final int PEEKDATA = 2;
    private static final int PEEKUSER = 3;
    private static final int POKETEXT = 4;
    private static final int POKEDATA = 5;
    private static final int POKEUSER = 6;
    private static final int CONT = 7;
    private static final int KILL = 8;
    private static final int SINGLESTEP = 9;
    private static final int GETREGS = 12;
    private static final int SETREGS = 13;
    private static final int GETFPREGS = 14;
    private static final int SETFPREGS = 15;
    private static final int ATTACH = 16;
    private static final int DETACH = 17;
    private static final int SYSCALL = 24;
    private static final int SETOPTIONS = 0x4200;
    private static final int GETEVENTMSG = 0x4201;
    private static final int GETSIGINFO = 0x4202;
    private static final int SETSIGINFO = 0x4203;
    private static final int GETREGSET = 0x4204;
    private static final int SETREGSET = 0x4205;
    private static final int SEIZE = 0x4206;
    private static final int INTERRUPT = 0x4207;
    private static final int LISTEN = 0x4208;
    private static final int GETSIGMASK = 0x420a;
    private static final int SETSIGMASK = 0x420b;
    private static final int GET_SYSCALL_INFO = 0x420e;
    private static final int WORD = 8;

    @Override
    public void register(SyscallTable table) {
        table.register(
                Nr.PTRACE,
                "ptrace",
                (task, request, pid, address, data, a4, a5) -> ptrace(task, (int) request, (int) pid, address, data));
    }

    @KernelFunction(value = "sys_ptrace", file = "kernel/ptrace.c")
    private static long ptrace(Task task, int request, int pid, long address, long data) {
        if (request == TRACEME) {
            return PtraceLinks.traceme(task);
        }
        Task target = task.kernel().tasks().get(pid);
        if (target == null) {
            return -Errno.ESRCH;
        }
        if (request == ATTACH) {
            return PtraceLinks.attach(task, target, false, 0);
        }
        if (request == SEIZE) {
            boolean valid = address == 0 && (data & ~PtraceOptions.KNOWN) == 0;
            return valid ? PtraceLinks.attach(task, target, true, (int) data) : -Errno.EIO;
        }
        Tracee tracee = target.tracee();
        if (tracee == null || tracee.tracer() != task.process()) {
            return -Errno.ESRCH;
        }
        if (request == KILL) {
            SignalSender.sendToTask(target, SigInfo.user(Signals.SIGKILL, SigInfo.SI_USER, task.pid(), 0));
            return 0;
        }
        if (request == INTERRUPT) {
            if (!tracee.seized()) {
                return -Errno.EIO;
            }
            PtraceLinks.interrupt(target);
            return 0;
        }
        if (!tracee.takesRequests()) {
            return -Errno.ESRCH;
        }
        return switch (request) {
            case CONT, SYSCALL, SINGLESTEP, DETACH -> resume(target, tracee, request, data);
            case PEEKTEXT, PEEKDATA -> peek(task, target, address, data);
            case POKETEXT, POKEDATA -> poke(task, target, address, data);
            case PEEKUSER -> {
                if (!UserArea.holds(address)) {
                    yield -Errno.EIO;
                }
                task.user().putLong(data, UserArea.peek(target, tracee, address));
                yield 0;
            }
            case POKEUSER -> UserArea.holds(address) ? UserArea.poke(target, tracee, address, data) : -Errno.EIO;
            case GETREGS, SETREGS -> registers(task, target, data, request == SETREGS);
            case GETFPREGS, SETFPREGS -> floatingPoint(task, target, data, request == SETFPREGS);
            case GETREGSET, SETREGSET -> RegisterSets.move(task, target, address, data, request == SETREGSET);
            case GETSIGMASK, SETSIGMASK -> mask(task, target, address, data, request == SETSIGMASK);
            case LISTEN -> listen(target, tracee);
            case GET_SYSCALL_INFO -> SyscallInfo.write(task, target, address, data);
            default -> ofStop(task, tracee, request, data);
        };
    }

    /** Requests about the stop and how to go on, rather than the task. */
    @KernelFunction(value = "ptrace_request", file = "kernel/ptrace.c")
    private static long ofStop(Task task, Tracee tracee, int request, long data) {
        byte[] image = new byte[SigInfo.SIZE];
        switch (request) {
            case SETOPTIONS -> {
                if ((data & ~PtraceOptions.KNOWN) != 0) {
                    return -Errno.EINVAL;
                }
                synchronized (task.kernel().familyLock()) {
                    tracee.setOptions((int) data);
                }
            }
            case GETEVENTMSG -> task.user().putLong(data, tracee.message());
            case GETSIGINFO -> {
                if (tracee.info() == null) {
                    return -Errno.EINVAL;
                }
                tracee.info().write(MemorySegment.ofArray(image), 0);
                task.user().write(data, image, 0, SigInfo.SIZE);
            }
            case SETSIGINFO -> {
                task.user().read(data, image, 0, SigInfo.SIZE);
                if (tracee.info() == null) {
                    return -Errno.EINVAL;
                }
                int signal = MemorySegment.ofArray(image).get(ValueLayout.JAVA_INT_UNALIGNED, 0);
                tracee.setInfo(SigInfo.queued(signal, image));
            }
            default -> {
                return -Errno.EIO;
            }
        }
        return 0;
    }

    @KernelFunction(value = "ptrace_resume", file = "kernel/ptrace.c")
    private static long resume(Task target, Tracee tracee, int request, long signal) {
        if (signal < 0 || signal > Signals.MAX) {
            return -Errno.EIO;
        }
        synchronized (target.kernel().familyLock()) {
            if (!tracee.takesRequests()) {
                return -Errno.ESRCH;
            }
            if (request == DETACH) {
                PtraceLinks.unlink(target, (int) signal);
            } else {
                tracee.resume(
                        (int) signal,
                        request == SYSCALL
                                ? Tracee.Resume.SYSCALL
                                : request == SINGLESTEP ? Tracee.Resume.SINGLESTEP : Tracee.Resume.CONT);
                target.wake();
            }
        }
        return 0;
    }

    /** Lets a seized task stand still for its process alone, with news of which it comes back. */
    private static long listen(Task target, Tracee tracee) {
        synchronized (target.kernel().familyLock()) {
            if (!tracee.seized() || !tracee.stoppedBy(PtraceStops.EVENT_STOP)) {
                return -Errno.EIO;
            }
            tracee.listen();
        }
        target.wake(); // what came before is told now
        return 0;
    }

    private static long mask(Task task, Task target, long size, long data, boolean set) {
        if (size != WORD) {
            return -Errno.EINVAL;
        }
        if (set) {
            SignalSender.setMask(target, task.user().getLong(data));
        } else {
            task.user().putLong(data, target.signals().blocked());
        }
        return 0;
    }

    private static long peek(Task task, Task target, long address, long data) {
        MemorySegment word = MemorySegment.ofArray(new long[1]);
        OtherMemory memory = OtherMemory.of(task.kernel(), target.mm(), true);
        if (memory.transfer(address, word, WORD, false) != WORD) {
            return -Errno.EIO;
        }
        task.user().putLong(data, word.get(ValueLayout.JAVA_LONG, 0));
        return 0;
    }

    private static long poke(Task task, Task target, long address, long data) {
        MemorySegment word = MemorySegment.ofArray(new long[] {data});
        OtherMemory memory = OtherMemory.of(task.kernel(), target.mm(), true);
        return memory.transfer(address, word, WORD, true) == WORD ? 0 : -Errno.EIO;
    }

    private static long registers(Task task, Task target, long data, boolean set) {
        for (int i = 0; i < UserArea.COUNT; i++) {
            long at = data + (long) i * WORD;
            if (set) {
                long error = UserArea.set(target, i, task.user().getLong(at));
                if (error != 0) {
                    return error;
                }
            } else {
                task.user().putLong(at, UserArea.get(target, i));
            }
        }
        return 0;
    }

    private static long floatingPoint(Task task, Task target, long data, boolean set) {
        byte[] image = new byte[CpuState.FXSAVE_BYTES];
        if (set) {
            task.user().read(data, image, 0, image.length);
            target.cpuState().fxrstor(MemorySegment.ofArray(image));
        } else {
            target.cpuState().fxsave(MemorySegment.ofArray(image));
            task.user().write(data, image, 0, image.length);
        }
        return 0;
    }
}
