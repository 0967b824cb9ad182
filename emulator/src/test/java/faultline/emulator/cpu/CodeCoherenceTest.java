package faultline.emulator.cpu;

import static faultline.emulator.cpu.Asm.SYSCALL;
import static faultline.emulator.cpu.Asm.mov;
import static faultline.emulator.cpu.CpuState.RAX;
import static faultline.emulator.cpu.CpuState.RBX;
import static faultline.emulator.cpu.CpuState.RCX;
import static faultline.emulator.cpu.CpuState.RDI;
import static faultline.emulator.cpu.CpuState.RIP;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Guest and kernel change code in every way there is; what runs afterwards must be what memory holds. */
class CodeCoherenceTest {
    private static final long CODE = 0x400000;
    private static final long JIT = 0x500000;
    private static final long ALIAS = 0x700000;

    /** {@code mov eax, n; ret}. */
    private static final int MOV_EAX = 0xb8;

    private static final int ROUNDS = 200;

    private final FakeKernel kernel = new FakeKernel();

    @AfterEach
    void close() {
        kernel.close();
    }

    /** A function at JIT that returns n; a loop that writes n through RBX and calls it through RDI. */
    private void patchAndCall(long writeAt) {
        kernel.map(0x7ffff000, FakeKernel.W);
        kernel.state.set(CpuState.RSP, 0x80000000L);
        // mov [rbx+1],ecx; call rdi; syscall
        kernel.code(CODE, "894b01", "ffd7", SYSCALL);
        kernel.state.set(RBX, writeAt);
        kernel.state.set(RDI, JIT);
    }

    @Test
    void codeWrittenThroughAnotherMappingOfItsFrameRuns() {
        long frame = kernel.map(JIT, FakeKernel.W);
        kernel.code(JIT, "b800000000c3");
        kernel.map(JIT, frame, FakeKernel.X);
        kernel.map(ALIAS, frame, FakeKernel.W);
        patchAndCall(ALIAS);
        for (int i = 1; i < ROUNDS; i++) {
            kernel.state.set(RCX, i);
            assertThat(kernel.run(CODE)).isEqualTo(Exit.SYSCALL);
            assertThat(kernel.state.get(RAX)).isEqualTo(i);
        }
    }

    @Test
    void codeWrittenInPlaceRuns() {
        kernel.map(JIT, FakeKernel.W | FakeKernel.X);
        kernel.code(JIT, "b800000000c3");
        patchAndCall(JIT);
        for (int i = 1; i < ROUNDS; i++) {
            kernel.state.set(RCX, i);
            assertThat(kernel.run(CODE)).isEqualTo(Exit.SYSCALL);
            assertThat(kernel.state.get(RAX)).isEqualTo(i);
        }
    }

    @Test
    void loopThatRewritesItselfInItsOwnPageIsRight() {
        // mov ecx,200; L: mov [rip+1],ecx (the immediate of the next-but-none instruction); jmp +0; mov eax,0; add
        // rbx,rax; dec ecx; jnz L
        kernel.map(JIT, FakeKernel.W | FakeKernel.X);
        kernel.code(JIT, "b9c8000000", "31db", "890d03000000", "eb00", "b800000000", "4801c3", "ffc9", "75ec", SYSCALL);

        assertThat(kernel.run(JIT)).isEqualTo(Exit.SYSCALL);
        assertThat(kernel.state.get(RBX)).isEqualTo(200 * 201 / 2);
    }

    @Test
    void storesToADataPageOfAWritableExecutableMappingAreNotSlowedByCodeRules() {
        kernel.map(JIT, FakeKernel.W | FakeKernel.X);
        // mov ecx,100000; L: mov [rdi],rcx; dec ecx; jnz L
        kernel.code(CODE, mov(RDI, JIT), "b9a0860100", "48890f", "ffc9", "75f9", SYSCALL);

        assertThat(kernel.run(CODE)).isEqualTo(Exit.SYSCALL);
        assertThat(kernel.engine.stats().fills).isLessThan(10);
    }

    @Test
    void frameRewrittenByTheKernelRunsAsWritten() {
        kernel.code(JIT, "b801000000", SYSCALL);
        kernel.run(JIT);
        for (int i = 2; i < ROUNDS; i++) {
            kernel.poke(JIT + 1, (byte) i);
            kernel.pool.instructionCache().flushFrame(kernel.physical(JIT) >>> 12);
            kernel.run(JIT);
            assertThat(kernel.state.get(RAX) & 0xff).isEqualTo(i & 0xff);
        }
        assertThat(kernel.engine.stats().codeInvalidations).isGreaterThanOrEqualTo(ROUNDS - 2);
    }

    @Test
    void manyFramesRewrittenAtATimeAllRunAsWritten() {
        for (int page = 0; page < 100; page++) {
            kernel.code(JIT + page * 4096L, "b801000000", SYSCALL);
            kernel.run(JIT + page * 4096L);
        }
        for (int page = 0; page < 100; page++) {
            kernel.poke(JIT + page * 4096L + 1, (byte) 9);
            kernel.pool.instructionCache().flushFrame(kernel.physical(JIT + page * 4096L) >>> 12);
        }
        for (int page = 0; page < 100; page++) {
            kernel.run(JIT + page * 4096L);
            assertThat(kernel.state.get(RAX)).as("page %d", page).isEqualTo(9);
        }
    }

    @Test
    void codeOfAnotherEngineIsForgottenWhenThisOneWritesTheFrame() {
        long frame = kernel.map(JIT, FakeKernel.X);
        kernel.code(JIT, "b801000000", SYSCALL);
        CpuEngine other = kernel.pool.acquire(kernel);
        CpuState there = new CpuState();
        there.set(RIP, JIT);
        other.run(there, kernel.context);
        assertThat(there.get(RAX)).isEqualTo(1);

        kernel.map(ALIAS, frame, FakeKernel.W);
        kernel.code(CODE, mov(RDI, ALIAS), "c6470105", SYSCALL); // mov byte [rdi+1],5
        kernel.run(CODE);
        there.set(RIP, JIT);
        other.run(there, kernel.context);
        assertThat(there.get(RAX)).isEqualTo(5);

        // and a write through the entry that this engine had before the other one fetched
        kernel.code(CODE + 0x100, mov(RDI, ALIAS), "c6470107", SYSCALL);
        kernel.run(CODE + 0x100);
        there.set(RIP, JIT);
        other.run(there, kernel.context);
        assertThat(there.get(RAX)).isEqualTo(7);
    }

    @Test
    void frameUsedAgainAtTheSameAddressRunsItsNewCode() {
        long first = kernel.map(JIT, FakeKernel.X);
        kernel.code(JIT, "b801000000", SYSCALL);
        kernel.run(JIT);
        kernel.unmap(JIT);
        kernel.engine.flushPage(JIT);

        kernel.map(JIT, first, FakeKernel.X);
        kernel.poke(JIT + 1, (byte) 2);
        kernel.pool.instructionCache().flushFrame(first);
        kernel.run(JIT);
        assertThat(kernel.state.get(RAX)).isEqualTo(2);
    }
}
