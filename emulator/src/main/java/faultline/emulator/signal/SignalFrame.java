package faultline.emulator.signal;

import faultline.emulator.cpu.CpuState;
import faultline.emulator.task.Task;
import faultline.emulator.task.UserFault;
import faultline.mmu.annotation.KernelFunction;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The frame a handler runs on, in Linux' x86-64 layout (struct rt_sigframe), and the way back from it.
 *
 * <pre>
 *   higher   interrupted stack, 128 bytes of red zone below its pointer
 *            floating point image, 64-byte aligned: fxsave 512, xsave header 64, magic 4
 *            siginfo 128
 *            ucontext 304: flags, link, stack, general registers, mask
 *   sp       restorer's address                                   (sp + 8 is a multiple of 16)
 * </pre>
 *
 * One object a task, with its buffer, so that delivering a signal allocates nothing. Used by the task's own thread.
 */
public final class SignalFrame {
    /** The floating point image: what XSAVE writes for x87 and SSE, and a closing magic number. */
    static final int XSTATE_SIZE = 576;

    static final int FP_SIZE = XSTATE_SIZE + 4;

    static final int UC = 8;
    static final int UC_STACK = UC + 16;
    static final int UC_GREGS = UC + 40;
    static final int UC_SIGMASK = UC + 296;
    static final int INFO = UC + 304;
    /** Restorer, ucontext, siginfo. */
    static final int FRAME_SIZE = INFO + SigInfo.SIZE;

    private static final int FXSAVE_SIZE = 512;
    private static final int SW_RESERVED = 464;
    private static final int FP_XSTATE_MAGIC1 = 0x46505853;
    private static final int FP_XSTATE_MAGIC2 = 0x46505845;
    private static final long XFEATURES = 3;
    private static final int RED_ZONE = 128;

    /** UC_FP_XSTATE, UC_SIGCONTEXT_SS, UC_STRICT_RESTORE_SS. */
    private static final long UC_FLAGS = 7;

    private static final int GREG_EFL = 17;
    private static final int GREG_CSGSFS = 18;
    private static final int GREG_ERR = 19;
    private static final int GREG_TRAPNO = 20;
    private static final int GREG_OLDMASK = 21;
    private static final int GREG_CR2 = 22;
    private static final int GREG_FPSTATE = 23;
    private static final long USER_CS = 0x33;
    private static final long USER_SS = 0x2b;

    /** Flags that sigreturn takes over: AC OF DF TF SF ZF AF PF CF RF. */
    private static final long FIX_EFLAGS = 0x50dd5;

    private static final long FLAG_TF = 0x100;
    private static final long FLAG_DF = 0x400;
    private static final long FLAG_RF = 0x10000;

    private static final int MXCSR_OFFSET = 24;
    private static final int MXCSR_MASK = 0xffff;

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

    /** struct sigcontext's order of the general registers. */
    private static final int[] GREGS = {
        CpuState.R8, CpuState.R9, CpuState.R10, CpuState.R11, CpuState.R12, CpuState.R13, CpuState.R14, CpuState.R15,
        CpuState.RDI, CpuState.RSI, CpuState.RBP, CpuState.RBX, CpuState.RDX, CpuState.RAX, CpuState.RCX, CpuState.RSP,
        CpuState.RIP
    };

    private final MemorySegment frame = Arena.ofAuto().allocate(FRAME_SIZE, 64);
    private final MemorySegment fp = Arena.ofAuto().allocate(FP_SIZE, 64);

    /** The initial floating point state that a handler starts with. */
    private static final MemorySegment INITIAL_FP = initialFp();

    private static MemorySegment initialFp() {
        MemorySegment image = Arena.global().allocate(FXSAVE_SIZE, 64);
        image.set(ValueLayout.JAVA_SHORT, 0, (short) 0x37f);
        image.set(INT, MXCSR_OFFSET, 0x1f80);
        image.set(INT, MXCSR_OFFSET + 4, MXCSR_MASK);
        return image;
    }

    /** AT_MINSIGSTKSZ: the most a frame can take, alignment included. */
    public static int maximumSize() {
        int size = FRAME_SIZE + 15 + FP_SIZE + 63;
        return size + 15 & ~15;
    }

    /**
     * Writes the frame and points the registers at the handler.
     *
     * @param mask what the frame's uc_sigmask says: the mask that sigreturn puts back
     * @return false when the stack cannot be written: the caller forces SIGSEGV
     */
    @KernelFunction(value = "x64_setup_rt_frame", file = "arch/x86/kernel/signal_64.c")
    boolean setup(Task task, SigInfo info, SigAction action, long mask) {
        if (!action.has(SigAction.SA_RESTORER)) {
            return false;
        }
        CpuState cpu = task.cpuState();
        SignalState state = task.signals();
        long sp = stackFor(cpu.get(CpuState.RSP), action, state.altStack());
        long fpAddress = sp - FP_SIZE & ~63L;
        long frameAddress = (fpAddress - FRAME_SIZE & ~15L) - 8;
        if (leavesAltStack(cpu.get(CpuState.RSP), frameAddress, action, state.altStack())) {
            return false;
        }
        writeFp(cpu);
        writeContext(cpu, state, fpAddress, mask);
        frame.set(LONG, 0, action.restorer());
        info.write(frame, INFO);
        if (task.user().copyOut(fpAddress, fp, 0, FP_SIZE) != FP_SIZE
                || task.user().copyOut(frameAddress, frame, 0, FRAME_SIZE) != FRAME_SIZE) {
            return false;
        }
        if (state.altStack().autoDisarms()) {
            state.altStack().reset();
        }
        cpu.set(CpuState.RDI, info.signal());
        cpu.set(CpuState.RAX, 0);
        cpu.set(CpuState.RSI, frameAddress + INFO);
        cpu.set(CpuState.RDX, frameAddress + UC);
        cpu.set(CpuState.RIP, action.handler());
        cpu.set(CpuState.RSP, frameAddress);
        cpu.set(CpuState.RFLAGS, cpu.get(CpuState.RFLAGS) & ~(FLAG_DF | FLAG_RF | FLAG_TF));
        cpu.fxrstor(INITIAL_FP);
        return true;
    }

    @KernelFunction(value = "get_sigframe", file = "arch/x86/kernel/signal.c")
    private static long stackFor(long sp, SigAction action, AltStack alt) {
        if (action.has(SigAction.SA_ONSTACK) && alt.size() != 0 && !alt.holds(sp)) {
            return alt.sp() + alt.size();
        }
        return sp - RED_ZONE;
    }

    /** Whether the frame would begin on the alternate stack and run out of its lower end. */
    private static boolean leavesAltStack(long sp, long frameAddress, SigAction action, AltStack alt) {
        if (alt.size() == 0) {
            return false;
        }
        boolean entering = action.has(SigAction.SA_ONSTACK) && !alt.holds(sp);
        boolean nested = alt.holds(sp);
        if (!entering && !nested) {
            return false;
        }
        return !(Long.compareUnsigned(frameAddress, alt.sp()) > 0
                && Long.compareUnsigned(frameAddress - alt.sp(), alt.size()) <= 0);
    }

    private void writeFp(CpuState cpu) {
        cpu.fxsave(fp.asSlice(0, FXSAVE_SIZE));
        fp.set(INT, SW_RESERVED, FP_XSTATE_MAGIC1);
        fp.set(INT, SW_RESERVED + 4, FP_SIZE);
        fp.set(LONG, SW_RESERVED + 8, XFEATURES);
        fp.set(INT, SW_RESERVED + 16, XSTATE_SIZE);
        fp.set(LONG, FXSAVE_SIZE, XFEATURES);
        fp.set(INT, XSTATE_SIZE, FP_XSTATE_MAGIC2);
    }

    private void writeContext(CpuState cpu, SignalState state, long fpAddress, long mask) {
        AltStack alt = state.altStack();
        frame.set(LONG, UC, UC_FLAGS);
        frame.set(LONG, UC + 8, 0);
        frame.set(LONG, UC_STACK, alt.sp());
        frame.set(LONG, UC_STACK + 8, alt.reportedFlags(cpu.get(CpuState.RSP)) & 0xffffffffL);
        frame.set(LONG, UC_STACK + 16, alt.size());
        for (int i = 0; i < GREGS.length; i++) {
            frame.set(LONG, UC_GREGS + 8L * i, cpu.get(GREGS[i]));
        }
        putGreg(GREG_EFL, cpu.get(CpuState.RFLAGS));
        putGreg(GREG_CSGSFS, USER_CS | USER_SS << 48);
        putGreg(GREG_ERR, state.errorCode());
        putGreg(GREG_TRAPNO, state.trapNumber());
        putGreg(GREG_OLDMASK, mask);
        putGreg(GREG_CR2, state.faultAddress());
        putGreg(GREG_FPSTATE, fpAddress);
        frame.set(LONG, UC_SIGMASK, mask);
    }

    private void putGreg(int index, long value) {
        frame.set(LONG, UC_GREGS + 8L * index, value);
    }

    /**
     * Puts back what the frame at the stack pointer says: registers, floating point state, alternate stack.
     *
     * @return the signal mask to put back
     * @throws UserFault when the frame cannot be read: the caller forces SIGSEGV
     */
    @KernelFunction(value = "rt_sigreturn", file = "arch/x86/kernel/signal_64.c")
    long restore(Task task) {
        CpuState cpu = task.cpuState();
        long frameAddress = cpu.get(CpuState.RSP) - 8;
        task.user().read(frameAddress, frame, 0, INFO);
        long fpAddress = frame.get(LONG, UC_GREGS + 8L * GREG_FPSTATE);
        if (fpAddress == 0) {
            cpu.fxrstor(INITIAL_FP);
        } else {
            task.user().read(fpAddress, fp, 0, FXSAVE_SIZE);
            fp.set(INT, MXCSR_OFFSET, fp.get(INT, MXCSR_OFFSET) & MXCSR_MASK);
            cpu.fxrstor(fp.asSlice(0, FXSAVE_SIZE));
        }
        for (int i = 0; i < GREGS.length; i++) {
            cpu.set(GREGS[i], frame.get(LONG, UC_GREGS + 8L * i));
        }
        long flags = cpu.get(CpuState.RFLAGS) & ~FIX_EFLAGS;
        cpu.set(CpuState.RFLAGS, flags | frame.get(LONG, UC_GREGS + 8L * GREG_EFL) & FIX_EFLAGS);
        restoreAltStack(task);
        return frame.get(LONG, UC_SIGMASK);
    }

    private void restoreAltStack(Task task) {
        // a refused change is ignored, as Linux ignores it here
        AltStack.change(
                task.signals().altStack(),
                task.cpuState().get(CpuState.RSP),
                frame.get(LONG, UC_STACK),
                frame.get(INT, UC_STACK + 8),
                frame.get(LONG, UC_STACK + 16));
    }
}
