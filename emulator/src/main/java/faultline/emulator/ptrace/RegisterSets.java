package faultline.emulator.ptrace;

import faultline.emulator.cpu.CpuState;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** PTRACE_GETREGSET and PTRACE_SETREGSET: registers of a stopped task by the kinds of a core file's notes. */
final class RegisterSets {
    private static final int NT_PRSTATUS = 1;
    private static final int NT_PRFPREG = 2;
    private static final int NT_X86_XSTATE = 0x202;

    /** An XSAVE area without extended parts: 512 bytes of FXSAVE, and a header that names what is in it. */
    private static final int XSAVE_BYTES = 576;

    private static final int XCR0_AT = 464;
    private static final int XSTATE_BV_AT = 512;
    private static final long X87_AND_SSE = 3;

    private RegisterSets() {}

    /**
     * Moves as much as there is room for.
     *
     * @param vector a struct iovec in the tracer's memory; its length becomes that of what was moved
     */
    @KernelFunction(value = "ptrace_regset", file = "kernel/ptrace.c")
    static long move(Task task, Task target, long kind, long vector, boolean set) {
        byte[] image =
                switch ((int) kind) {
                    case NT_PRSTATUS -> new byte[UserArea.COUNT * Long.BYTES];
                    case NT_PRFPREG -> new byte[CpuState.FXSAVE_BYTES];
                    case NT_X86_XSTATE -> new byte[XSAVE_BYTES];
                    default -> null;
                };
        if (image == null) {
            return -Errno.EINVAL;
        }
        long base = task.user().getLong(vector);
        long room = task.user().getLong(vector + Long.BYTES);
        if (room % Long.BYTES != 0) {
            return -Errno.EINVAL;
        }
        int length = (int) Math.min(Math.max(room, 0), image.length);
        boolean general = kind == NT_PRSTATUS;
        read(target, general, image);
        if (set) {
            task.user().read(base, image, 0, length);
            long error = write(target, general, image);
            if (error != 0) {
                return error;
            }
        } else {
            task.user().write(base, image, 0, length);
        }
        task.user().putLong(vector + Long.BYTES, length);
        return 0;
    }

    private static void read(Task target, boolean general, byte[] image) {
        MemorySegment to = MemorySegment.ofArray(image);
        if (general) {
            for (int i = 0; i < UserArea.COUNT; i++) {
                to.set(ValueLayout.JAVA_LONG_UNALIGNED, (long) i * Long.BYTES, UserArea.get(target, i));
            }
            return;
        }
        target.cpuState().fxsave(to.asSlice(0, CpuState.FXSAVE_BYTES));
        if (image.length == XSAVE_BYTES) {
            to.set(ValueLayout.JAVA_LONG_UNALIGNED, XCR0_AT, X87_AND_SSE);
            to.set(ValueLayout.JAVA_LONG_UNALIGNED, XSTATE_BV_AT, X87_AND_SSE);
        }
    }

    private static long write(Task target, boolean general, byte[] image) {
        MemorySegment from = MemorySegment.ofArray(image);
        if (!general) {
            target.cpuState().fxrstor(from.asSlice(0, CpuState.FXSAVE_BYTES));
            return 0;
        }
        long error = 0;
        for (int i = 0; i < UserArea.COUNT && error == 0; i++) {
            error = UserArea.set(target, i, from.get(ValueLayout.JAVA_LONG_UNALIGNED, (long) i * Long.BYTES));
        }
        return error;
    }
}
