package faultline.emulator.cpu;

import static faultline.emulator.cpu.Asm.SYSCALL;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** Engines are used again, and freed. */
class CpuPoolTest {
    private static final long CODE = 0x400000;
    private static final int WARM_UP = 20;
    private static final int RUNS = 100;
    /** What a run may leave behind on average, in KiB: far less than an engine has. */
    private static final long KIB_PER_RUN = 40;

    @Test
    void releasedEngineServesTheNextAddressSpaceWithNothingOfTheLast() {
        try (FakeKernel kernel = new FakeKernel()) {
            kernel.code(CODE, "488b07", SYSCALL);
            kernel.map(0x600000, FakeKernel.R);
            kernel.state.set(CpuState.RDI, 0x600000);
            assertThat(kernel.run(CODE)).isEqualTo(Exit.SYSCALL);
            kernel.pool.release(kernel.engine);
            kernel.unmap(0x600000);

            CpuEngine again = kernel.pool.acquire(kernel);
            assertThat(again).isSameAs(kernel.engine);
            kernel.state.set(CpuState.RIP, CODE);
            assertThat(again.run(kernel.state, kernel.context)).isEqualTo(Exit.FAULT_SIGNAL);
        }
    }

    @Test
    void engineThatKnowsTheProgramIsLentFirstElseTheOneUsedLast() {
        try (FakeKernel kernel = new FakeKernel()) {
            CpuEngine shell = kernel.pool.acquire(kernel, "/bin/sh");
            CpuEngine list = kernel.pool.acquire(kernel, "/bin/ls");
            kernel.pool.release(shell);
            kernel.pool.release(list);
            assertThat(kernel.pool.acquire(kernel, "/bin/sh")).isSameAs(shell);
            kernel.pool.release(shell);
            assertThat(kernel.pool.acquire(kernel, "/bin/cat")).isSameAs(shell);
            assertThat(kernel.pool.acquire(kernel, "/bin/sh")).isSameAs(list);
        }
    }

    @Test
    void closedPoolLendsNothing() {
        FakeKernel kernel = new FakeKernel();
        kernel.close();
        assertThatThrownBy(() -> kernel.pool.acquire(kernel)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void statisticsAreTheSumOfAllEngines() {
        try (FakeKernel kernel = new FakeKernel()) {
            kernel.code(CODE, SYSCALL);
            kernel.run(CODE);
            CpuEngine other = kernel.pool.acquire(kernel);
            CpuState state = new CpuState();
            state.set(CpuState.RIP, CODE);
            other.run(state, kernel.context);
            assertThat(kernel.pool.stats().exits(Exit.SYSCALL)).isEqualTo(2);
        }
    }

    @Test
    void hundredMachinesLeaveNoNativeMemoryBehind() throws IOException {
        for (int i = 0; i < WARM_UP; i++) {
            runOnce();
        }
        long before = residentKib();
        for (int i = 0; i < RUNS; i++) {
            runOnce();
        }
        assertThat(residentKib() - before).isLessThan(RUNS * KIB_PER_RUN);
    }

    private static void runOnce() {
        try (FakeKernel kernel = new FakeKernel(new CpuOptions(4 << 20, false, null), 1 << 20)) {
            kernel.demand(0x600000, 4, FakeKernel.W);
            kernel.code(CODE, Asm.mov(CpuState.RDI, 0x600000), "48893f", SYSCALL);
            assertThat(kernel.run(CODE)).isEqualTo(Exit.SYSCALL);
        }
    }

    /** Memory of this process that is not the Java heap's to keep: the resident set, after a collection. */
    private static long residentKib() throws IOException {
        Path status = Path.of("/proc/self/status");
        assumeTrue(Files.exists(status), "needs /proc");
        System.gc();
        return Files.readAllLines(status).stream()
                .filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D+", "")))
                .sum();
    }
}
