package faultline.emulator.cpu;

import static faultline.emulator.cpu.Asm.SYSCALL;
import static faultline.emulator.cpu.Asm.mov;
import static faultline.emulator.cpu.CpuState.RAX;
import static faultline.emulator.cpu.CpuState.RBX;
import static faultline.emulator.cpu.CpuState.RCX;
import static faultline.emulator.cpu.CpuState.RDI;
import static faultline.emulator.cpu.CpuState.RIP;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Stops and flushes from other threads, while guest code runs and while it does not. */
@Timeout(60)
class CpuStopTest {
    private static final long CODE = 0x400000;
    private static final long DATA = 0x600000;
    private static final int ROUNDS = Integer.getInteger("faultline.stress.rounds", 300);

    private final FakeKernel kernel = new FakeKernel();

    @AfterEach
    void close() {
        kernel.close();
    }

    @Test
    void requestBeforeTheRunStopsItBeforeTheFirstInstruction() {
        kernel.code(CODE, mov(RAX, 5), SYSCALL);
        kernel.engine.requestStop();

        assertThat(kernel.run(CODE)).isEqualTo(Exit.STOPPED);
        assertThat(kernel.state.get(RIP)).isEqualTo(CODE);
        assertThat(kernel.state.get(RAX)).isZero();
        assertThat(kernel.run()).isEqualTo(Exit.SYSCALL);
    }

    /** Asks the processor to stop, again and again, with pauses between in which it may come to run. */
    private Thread stopper(AtomicBoolean done) {
        return Thread.ofPlatform().start(() -> {
            for (int request = 0; !done.get(); request++) {
                kernel.engine.requestStop();
                for (int pause = request & 0xff; pause >= 0; pause--) {
                    Thread.onSpinWait();
                }
            }
        });
    }

    @Test
    void everyRequestFromAnotherThreadStopsAnEndlessLoopExactly() throws InterruptedException {
        // L: inc rax; mov [rdi],rax; inc rbx; mov rcx,[rdi]; jmp L
        kernel.map(DATA, FakeKernel.W);
        kernel.code(CODE, "48ffc0", "488907", "48ffc3", "488b0f", "ebf2");
        kernel.state.set(RDI, DATA);
        kernel.state.set(RIP, CODE);
        AtomicBoolean done = new AtomicBoolean();
        Thread stopper = stopper(done);
        // On a busy machine all requests of the rounds may come before the first instruction.
        for (int i = 0; i < ROUNDS || kernel.state.get(RAX) == 0 && i < ROUNDS * 100; i++) {
            assertThat(kernel.run()).isEqualTo(Exit.STOPPED);
            long rip = kernel.state.get(RIP);
            long rax = kernel.state.get(RAX);
            assertThat(kernel.state.get(RBX)).as("at %x", rip).isEqualTo(rip > CODE && rip <= CODE + 6 ? rax - 1 : rax);
            assertThat(kernel.peek(DATA)).as("at %x", rip).isEqualTo(rip == CODE + 3 ? rax - 1 : rax);
        }
        done.set(true);
        stopper.join();
        assertThat(kernel.state.get(RAX)).isPositive();
    }

    @ParameterizedTest
    @ValueSource(strings = {"48ff07", "f048ff07", "48010f", "f0480fc10f", "48870748ffc0", "488b0748ffc0488907"})
    void readModifyWriteIsNeverDoneTwiceHoweverOftenItsThreadIsStopped(String instructions)
            throws InterruptedException {
        kernel.map(DATA, FakeKernel.W);
        // L: <+1 at [rdi]>; mov ecx,1; inc rbx; jmp L
        int length = instructions.length() / 2;
        kernel.code(CODE, instructions, "b901000000", "48ffc3", "eb" + Asm.le(256 - length - 10, 1));
        kernel.state.set(RDI, DATA);
        kernel.state.set(RCX, 1);
        kernel.state.set(RIP, CODE);
        if (instructions.startsWith("4887")) {
            kernel.state.set(RAX, 1); // xchg keeps two counters that go up in turn
        }
        AtomicBoolean done = new AtomicBoolean();
        Thread stopper = stopper(done);
        for (int i = 0; i < ROUNDS; i++) {
            assertThat(kernel.run()).isEqualTo(Exit.STOPPED);
            assertThat(kernel.state.get(RIP)).isEqualTo(CODE);
            long expected = kernel.state.get(RBX);
            long counted =
                    instructions.startsWith("4887") ? kernel.peek(DATA) + kernel.state.get(RAX) - 1 : kernel.peek(DATA);
            assertThat(counted).isEqualTo(expected);
        }
        done.set(true);
        stopper.join();
    }

    @Test
    void blockBudgetEndsAtTheSameInstructionEveryTime() {
        long[] first = slices();
        long[] second = slices();

        assertThat(second).isEqualTo(first);
        assertThat(first[0]).isEqualTo(CODE + 3);
    }

    private static long[] slices() {
        try (FakeKernel deterministic = new FakeKernel(CpuOptions.deterministic(() -> 77))) {
            deterministic.code(CODE, "48ffc0", "48ffc3", "ebfb"); // inc rax; L: inc rbx; jmp L
            deterministic.state.set(RIP, CODE);
            long[] seen = new long[9];
            for (int i = 0; i < seen.length; i += 3) {
                deterministic.engine.setBlockBudget(1000);
                assertThat(deterministic.run()).isEqualTo(Exit.STOPPED);
                seen[i] = deterministic.state.get(RIP);
                seen[i + 1] = deterministic.state.get(RBX);
                seen[i + 2] = deterministic.engine.blockBudget();
            }
            return seen;
        }
    }

    @Test
    void flushingPagesTakesNothingOfTheBlockBudget() {
        try (FakeKernel deterministic = new FakeKernel(CpuOptions.deterministic(() -> 77))) {
            deterministic.code(CODE, "488b07", SYSCALL);
            deterministic.map(DATA, FakeKernel.R);
            deterministic.state.set(RDI, DATA);
            deterministic.run(CODE);
            long[] used = new long[2];
            for (int i = 0; i < used.length; i++) {
                deterministic.engine.setBlockBudget(1000);
                assertThat(deterministic.run(CODE)).isEqualTo(Exit.SYSCALL);
                used[i] = 1000 - deterministic.engine.blockBudget();
                deterministic.engine.flushPage(DATA);
            }
            assertThat(used[1]).isEqualTo(used[0]).isPositive();
        }
    }

    @Test
    void deterministicModeAnswersTheGivenTimestampAndHidesRandomNumbers() {
        try (FakeKernel deterministic = new FakeKernel(CpuOptions.deterministic(() -> 0x1_2345_6789L))) {
            deterministic.code(CODE, "0f31", "89c6", "89d3", mov(RAX, 1), "0fa2", "89cf", SYSCALL);
            assertThat(deterministic.run(CODE)).isEqualTo(Exit.SYSCALL);
            assertThat(deterministic.state.get(CpuState.RSI)).isEqualTo(0x23456789);
            assertThat(deterministic.state.get(RDI) & 1 << 30).isZero();
        }
    }

    @Test
    void flushOfAnotherThreadIsInEffectWhenItReturns() throws InterruptedException {
        // L: mov rax,[rdi]; jmp L: whoever has replaced the frame and flushed must not be read from again
        long old = kernel.map(DATA, FakeKernel.R);
        long fresh = kernel.newFrame();
        kernel.code(CODE, "488b07", "ebfb");
        kernel.state.set(RDI, DATA);
        kernel.state.set(RIP, CODE);
        AtomicBoolean failed = new AtomicBoolean();
        for (int round = 0; round < ROUNDS / 10; round++) {
            long next = round % 2 == 0 ? fresh : old;
            kernel.ram.set(java.lang.foreign.ValueLayout.JAVA_LONG, next << 12, 1000 + round);
            Thread other = Thread.ofPlatform().start(() -> {
                kernel.map(DATA, next, FakeKernel.R);
                kernel.engine.flushPage(DATA);
                kernel.engine.requestStop();
            });
            if (kernel.run() != Exit.STOPPED) {
                failed.set(true);
            }
            other.join();
            // one more turn: the register may hold what was read before the flush
            kernel.engine.requestStop();
            kernel.run();
            kernel.code(CODE + 0x40, "488b07", SYSCALL);
            long rip = kernel.state.get(RIP);
            kernel.run(CODE + 0x40);
            assertThat(kernel.state.get(RAX)).isEqualTo(1000 + round);
            kernel.state.set(RIP, rip);
        }
        assertThat(failed).isFalse();
    }

    @Test
    void flushInsideAFaultIsServedBeforeTheInstructionGoesOn() {
        // The fault on DATA replaces the frame of another page, as reclaim does, and flushes that page.
        long other = DATA + 0x10000;
        kernel.map(other, FakeKernel.R);
        long fresh = kernel.newFrame();
        kernel.ram.set(java.lang.foreign.ValueLayout.JAVA_LONG, fresh << 12, 42);
        // mov rax,[rbx]; mov [rdi],rax; mov rcx,[rbx]
        kernel.code(CODE, mov(RBX, other), mov(RDI, DATA), "488b03", "488907", "488b0b", SYSCALL);
        GuestMemory reclaiming = new GuestMemory() {
            @Override
            public long walk(long address, int access) {
                return kernel.walk(address, access);
            }

            @Override
            public int fault(long address, int errorCode, faultline.mmu.fault.FaultContext context) {
                kernel.map(other, fresh, FakeKernel.R);
                kernel.engine.flushPage(other);
                kernel.map(DATA, FakeKernel.W);
                return 0;
            }
        };
        kernel.engine.bind(reclaiming, "");

        assertThat(kernel.run(CODE)).isEqualTo(Exit.SYSCALL);
        assertThat(kernel.state.get(RAX)).isZero();
        assertThat(kernel.state.get(RBX)).isEqualTo(other);
        assertThat(kernel.peek(other)).isEqualTo(42);
        kernel.code(CODE + 0x80, "488b03", SYSCALL);
        kernel.run(CODE + 0x80);
        assertThat(kernel.state.get(RAX)).isEqualTo(42);
    }

    @Test
    void rangeFlushesForgetExactlyTheirPages() {
        int pages = 200;
        for (int i = 0; i < pages; i++) {
            long pfn = kernel.map(DATA + i * 4096L, FakeKernel.R);
            kernel.ram.set(java.lang.foreign.ValueLayout.JAVA_LONG, pfn << 12, i);
        }
        long fresh = kernel.newFrame();
        kernel.ram.set(java.lang.foreign.ValueLayout.JAVA_LONG, fresh << 12, 7777);
        kernel.code(CODE, "488b07", SYSCALL);
        for (int i = 0; i < pages; i++) {
            assertThat(read(i)).isEqualTo(i);
        }
        for (int i = 50; i < 60; i++) {
            kernel.map(DATA + i * 4096L, fresh, FakeKernel.R);
        }
        kernel.engine.flushRange(DATA + 50 * 4096L, DATA + 60 * 4096L);
        long fills = kernel.engine.stats().fills;
        for (int i = 0; i < pages; i++) {
            assertThat(read(i)).isEqualTo(i >= 50 && i < 60 ? 7777 : i);
        }
        assertThat(kernel.engine.stats().fills - fills).isBetween(10L, 20L);
        assertThat(kernel.engine.stats().pageFlushes).isEqualTo(10);
    }

    private long read(int page) {
        kernel.state.set(RDI, DATA + page * 4096L);
        kernel.run(CODE);
        return kernel.state.get(RAX);
    }

    @Test
    void rangeAsLargeAsTheAddressSpaceIsOneFullFlush() {
        kernel.map(DATA, FakeKernel.R);
        kernel.code(CODE, mov(RDI, DATA), "488b07", SYSCALL);
        kernel.run(CODE);
        kernel.engine.flushRange(0, 0x7ffffffff000L);
        long full = kernel.engine.stats().fullFlushes;
        assertThat(kernel.run(CODE)).isEqualTo(Exit.SYSCALL);
        assertThat(kernel.engine.stats().fullFlushes).isEqualTo(full + 1);
        assertThat(kernel.state.get(RCX)).isEqualTo(kernel.state.get(RIP));
    }
}
