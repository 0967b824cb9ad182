package faultline.emulator.task;

import faultline.emulator.cpu.CpuState;
import faultline.emulator.signal.SigInfo;
import faultline.emulator.signal.SignalSender;
import faultline.emulator.signal.Signals;
import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Processor exceptions other than page faults, and the signals they become (arch/x86/kernel/traps.c).
 *
 * <table>
 * <caption>vector, signal, si_code, si_addr</caption>
 * <tr><td>0 #DE</td><td>SIGFPE</td><td>FPE_INTDIV</td><td>rip</td></tr>
 * <tr><td>1 #DB</td><td>SIGTRAP</td><td>TRAP_TRACE; icebp: TRAP_BRKPT</td><td>rip</td></tr>
 * <tr><td>3 #BP</td><td>SIGTRAP</td><td>SI_KERNEL</td><td>0</td></tr>
 * <tr><td>4 #OF, 5 #BR, 10–13, int n</td><td>SIGSEGV</td><td>SI_KERNEL</td><td>0</td></tr>
 * <tr><td>6 #UD</td><td>SIGILL</td><td>ILL_ILLOPN</td><td>rip</td></tr>
 * <tr><td>16 #MF</td><td>SIGFPE</td><td>by the status word</td><td>rip</td></tr>
 * <tr><td>17 #AC</td><td>SIGBUS</td><td>BUS_ADRALN</td><td>0</td></tr>
 * <tr><td>19 #XM</td><td>SIGFPE</td><td>by MXCSR</td><td>rip</td></tr>
 * </table>
 */
final class CpuException {
    static final int DIVIDE_ERROR = 0;
    static final int DEBUG = 1;
    static final int BREAKPOINT = 3;
    static final int INVALID_OPCODE = 6;
    static final int GENERAL_PROTECTION = 13;
    static final int PAGE_FAULT = 14;
    static final int X87_ERROR = 16;
    static final int ALIGNMENT_CHECK = 17;
    static final int SIMD_ERROR = 19;

    private static final Logger LOG = LoggerFactory.getLogger(CpuException.class);
    private static final int SHOWN_BYTES = 15;
    private static final int FXSAVE_SIZE = 512;
    private static final long TRAP_FLAG = 0x100;

    private CpuException() {}

    /** Turns the exception that stopped the task's guest code into a signal. */
    static void raise(Task task) {
        CpuState cpu = task.cpuState();
        int vector = cpu.vector();
        long rip = cpu.get(CpuState.RIP);
        task.leaveSyscall();
        task.signals().noteTrap(vector, 0);
        switch (vector) {
            case DIVIDE_ERROR -> force(task, SigInfo.fault(Signals.SIGFPE, SigInfo.FPE_INTDIV, rip));
            case DEBUG -> force(task, SigInfo.fault(Signals.SIGTRAP, debugCode(cpu), rip));
            case BREAKPOINT -> force(task, SigInfo.kernel(Signals.SIGTRAP));
            case INVALID_OPCODE -> {
                LOG.warn(
                        "task {}: illegal instruction at {}: {}",
                        task.tid(),
                        Long.toHexString(rip),
                        bytesAt(task, rip));
                force(task, SigInfo.fault(Signals.SIGILL, SigInfo.ILL_ILLOPN, rip));
            }
            case X87_ERROR, SIMD_ERROR ->
                force(task, SigInfo.fault(Signals.SIGFPE, floatingPointCode(cpu, vector), rip));
            case ALIGNMENT_CHECK -> force(task, SigInfo.fault(Signals.SIGBUS, SigInfo.BUS_ADRALN, 0));
            default -> {
                task.signals().noteTrap(GENERAL_PROTECTION, cpu.exceptionError());
                force(task, SigInfo.kernel(Signals.SIGSEGV));
            }
        }
    }

    /** A single step, or the instruction icebp (get_si_code). */
    private static int debugCode(CpuState cpu) {
        return (cpu.get(CpuState.RFLAGS) & TRAP_FLAG) != 0 ? SigInfo.TRAP_TRACE : SigInfo.TRAP_BRKPT;
    }

    private static void force(Task task, SigInfo info) {
        SignalSender.force(task, info);
    }

    /** Which unmasked exception it was (fpu__exception_code): the status bits whose mask bits are clear. */
    private static int floatingPointCode(CpuState cpu, int vector) {
        byte[] image = new byte[FXSAVE_SIZE];
        MemorySegment fx = MemorySegment.ofArray(image);
        cpu.fxsave(fx);
        int control = half(image, 0);
        int status = half(image, 2);
        int raised = status & ~control;
        if (vector == SIMD_ERROR) {
            int mxcsr = half(image, 24);
            raised = mxcsr & ~(mxcsr >>> 7);
        }
        if ((raised & 0x01) != 0) {
            return SigInfo.FPE_FLTINV;
        } else if ((raised & 0x04) != 0) {
            return SigInfo.FPE_FLTDIV;
        } else if ((raised & 0x12) != 0) {
            return SigInfo.FPE_FLTUND;
        } else if ((raised & 0x08) != 0) {
            return SigInfo.FPE_FLTOVF;
        } else if ((raised & 0x20) != 0) {
            return SigInfo.FPE_FLTRES;
        }
        return 0;
    }

    private static int half(byte[] image, int at) {
        return image[at] & 0xff | (image[at + 1] & 0xff) << 8;
    }

    private static String bytesAt(Task task, long rip) {
        byte[] bytes = new byte[SHOWN_BYTES];
        int count = (int) task.user().copyIn(rip, MemorySegment.ofArray(bytes), 0, SHOWN_BYTES);
        return count == 0 ? "cannot be read" : HexFormat.ofDelimiter(" ").formatHex(bytes, 0, count);
    }
}
