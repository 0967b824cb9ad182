package faultline.emulator.cpu;

import static faultline.emulator.cpu.Asm.SYSCALL;
import static faultline.emulator.cpu.Asm.mov;
import static faultline.emulator.cpu.CpuState.FS_BASE;
import static faultline.emulator.cpu.CpuState.RAX;
import static faultline.emulator.cpu.CpuState.RDI;
import static faultline.emulator.cpu.CpuState.RIP;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Registers of tasks that share an engine, and the image of the floating-point registers. */
class CpuStateTest {
    private static final long CODE = 0x400000;
    private static final long DATA = 0x600000;

    private final FakeKernel kernel = new FakeKernel();
    private final MemorySegment image = Arena.ofAuto().allocate(512, 16);

    @AfterEach
    void close() {
        kernel.close();
    }

    @Test
    void imageEqualsWhatTheInstructionStores() {
        kernel.map(DATA, FakeKernel.W);
        // fld1; fldpi; movups xmm3,[rdi+512]; fxsave64 [rdi]
        kernel.code(CODE, mov(RDI, DATA), "d9e8", "d9eb", "0f109f00020000", "480fae07", SYSCALL);
        for (int i = 0; i < 16; i++) {
            kernel.poke(DATA + 512 + i, (byte) (i + 1));
        }
        assertThat(kernel.run(CODE)).isEqualTo(Exit.SYSCALL);
        kernel.state.fxsave(image);
        for (int i = 0; i < 416; i += 8) {
            long mask = i == 0 ? 0x0000_ffff_ffff_ffffL : -1; // the last opcode is not kept
            assertThat(image.get(ValueLayout.JAVA_LONG, i) & mask)
                    .as("byte %d", i)
                    .isEqualTo(kernel.peek(DATA + i) & mask);
        }
    }

    @Test
    void imageThatWasLoadedIsWhatTheGuestSees() {
        kernel.map(DATA, FakeKernel.W);
        kernel.code(CODE, mov(RDI, DATA), "480fae07", SYSCALL);
        kernel.state.fxsave(image);
        Random random = new Random(1);
        for (int i = 160; i < 416; i += 8) {
            image.set(ValueLayout.JAVA_LONG, i, random.nextLong());
        }
        image.set(ValueLayout.JAVA_SHORT, 0, (short) 0x27f);
        image.set(ValueLayout.JAVA_SHORT, 2, (short) 0x3000); // top of stack 6: two values
        image.set(ValueLayout.JAVA_SHORT, 4, (short) 0xc0);
        image.set(ValueLayout.JAVA_LONG, 32, 0x8000000000000000L);
        image.set(ValueLayout.JAVA_SHORT, 40, (short) 0x3fff);
        image.set(ValueLayout.JAVA_LONG, 48, 0xc90fdaa22168c235L);
        image.set(ValueLayout.JAVA_SHORT, 56, (short) 0x4000);
        image.set(ValueLayout.JAVA_INT, 24, 0x5f80);
        kernel.state.fxrstor(image);
        assertThat(kernel.run(CODE)).isEqualTo(Exit.SYSCALL);
        for (int i = 0; i < 416; i += 8) {
            assertThat(kernel.peek(DATA + i)).as("byte %d", i).isEqualTo(image.get(ValueLayout.JAVA_LONG, i));
        }
        MemorySegment again = Arena.ofAuto().allocate(512, 16);
        kernel.state.fxsave(again);
        assertThat(again.mismatch(image)).isEqualTo(-1);
    }

    @Test
    void tasksOnOneEngineKeepTheirRegistersApart() {
        kernel.map(DATA, FakeKernel.W);
        // inc rax; movq xmm0,rax; fs base untouched; syscall; movq rbx,xmm0; syscall
        kernel.code(CODE, "48ffc0", "66480f6ec0", SYSCALL, "66480f7ec3", SYSCALL);
        CpuState[] tasks = new CpuState[5];
        for (int i = 0; i < tasks.length; i++) {
            tasks[i] = new CpuState();
            tasks[i].set(RIP, CODE);
            tasks[i].set(RAX, 100 * i);
            tasks[i].set(FS_BASE, 0x1000 * i);
        }
        for (CpuState task : tasks) {
            kernel.engine.run(task, kernel.context);
        }
        for (int i = 0; i < tasks.length; i++) {
            tasks[i].fxsave(image);
            assertThat(image.get(ValueLayout.JAVA_LONG, 160)).isEqualTo(100 * i + 1);
            assertThat(kernel.engine.run(tasks[i], kernel.context)).isEqualTo(Exit.SYSCALL);
            assertThat(tasks[i].get(CpuState.RBX)).isEqualTo(100 * i + 1);
            assertThat(tasks[i].get(FS_BASE)).isEqualTo(0x1000 * i);
        }
    }

    @Test
    void taskMovesToAnotherEngineWithAllItsRegisters() {
        kernel.code(CODE, "66480f6ec0", SYSCALL, "66480f7ec3", SYSCALL);
        kernel.state.set(RAX, 4711);
        kernel.run(CODE);
        CpuEngine other = kernel.pool.acquire(kernel);
        assertThat(other.run(kernel.state, kernel.context)).isEqualTo(Exit.SYSCALL);
        assertThat(kernel.state.get(CpuState.RBX)).isEqualTo(4711);
        CpuState second = new CpuState();
        second.set(RIP, CODE);
        kernel.engine.run(second, kernel.context);
        kernel.state.fxsave(image);
        assertThat(image.get(ValueLayout.JAVA_LONG, 160)).isEqualTo(4711);
    }

    @Test
    void copyHasTheRegistersOfTheMomentItWasMade() {
        kernel.code(CODE, "66480f6ec0", SYSCALL, "66480f7ec3", SYSCALL);
        kernel.state.set(RAX, 9);
        kernel.run(CODE);
        CpuState child = new CpuState();
        child.copyFrom(kernel.state);
        kernel.state.set(RAX, 10);
        kernel.run(CODE);
        assertThat(child.get(RAX)).isEqualTo(9);
        assertThat(kernel.engine.run(child, kernel.context)).isEqualTo(Exit.SYSCALL);
        assertThat(child.get(CpuState.RBX)).isEqualTo(9);
    }

    @Test
    void registersSurviveTheirEngine() {
        kernel.code(CODE, "66480f6ec0", SYSCALL, "66480f7ec3", SYSCALL);
        kernel.state.set(RAX, 21);
        kernel.run(CODE);
        kernel.pool.release(kernel.engine);
        kernel.state.fxsave(image);
        assertThat(image.get(ValueLayout.JAVA_LONG, 160)).isEqualTo(21);
        CpuEngine again = kernel.pool.acquire(kernel);
        assertThat(again).isSameAs(kernel.engine);
        again.run(kernel.state, kernel.context);
        assertThat(kernel.state.get(CpuState.RBX)).isEqualTo(21);
    }

    @Test
    void resetIsTheStateOfANewProgram() {
        kernel.code(CODE, "66480f6ec0", "d9e8", SYSCALL);
        kernel.state.set(RAX, 21);
        kernel.run(CODE);
        kernel.state.reset();
        MemorySegment fresh = Arena.ofAuto().allocate(512, 16);
        new CpuState().fxsave(fresh);
        kernel.state.fxsave(image);
        assertThat(image.mismatch(fresh)).isEqualTo(-1);
        assertThat(kernel.state.get(CpuState.RFLAGS)).isEqualTo(0x202);
    }
}
