package faultline.emulator.cpu;

import static faultline.emulator.cpu.Asm.SYSCALL;
import static faultline.emulator.cpu.Asm.mov;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** A program that walks over much memory gets a TLB that holds it. */
class TlbGrowthTest {
    private static final long CODE = 0x400000;
    private static final long DATA = 0x1000_0000L;
    private static final int PAGES = 20_000;

    @Test
    void secondWalkOverManyPagesMissesNoMore() {
        try (FakeKernel kernel = new FakeKernel(CpuOptions.defaults(), (PAGES + 100) * 4096L)) {
            for (int i = 0; i < PAGES; i++) {
                kernel.map(DATA + i * 4096L, FakeKernel.R);
            }
            // mov rdi,DATA; mov ecx,PAGES; L: mov rax,[rdi]; add rdi,4096; dec ecx; jnz L
            kernel.code(
                    CODE,
                    mov(CpuState.RDI, DATA),
                    "b9" + Asm.le(PAGES, 4),
                    "488b07",
                    "4881c700100000",
                    "ffc9",
                    "75f2",
                    SYSCALL);
            for (int i = 0; i < 3; i++) {
                assertThat(kernel.run(CODE)).isEqualTo(Exit.SYSCALL);
            }
            long before = kernel.engine.stats().fills;
            kernel.run(CODE);
            assertThat(kernel.engine.stats().fills - before).isLessThan(PAGES / 100);
            assertThat(kernel.engine.stats().growthFlushes).isBetween(4L, 16L);
        }
    }

    @Test
    void pagesThatOnlyCollideDoNotCauseFlushes() {
        try (FakeKernel kernel = new FakeKernel()) {
            // 12 pages whose numbers agree in the low 16 bits: more than the victim entries
            for (int i = 0; i < 12; i++) {
                kernel.map(DATA + ((long) i << 28), FakeKernel.R);
            }
            // mov edx,5000; M: mov rdi,DATA; mov ecx,12; L: mov rax,[rdi]; add rdi,1<<28; dec ecx; jnz L; dec edx; jnz
            // M
            kernel.code(
                    CODE,
                    "ba88130000",
                    "48bf" + Asm.le(DATA, 8),
                    "b90c000000",
                    "488b07",
                    "4881c700000010",
                    "ffc9",
                    "75f2",
                    "ffca",
                    "75df",
                    SYSCALL);
            assertThat(kernel.run(CODE)).isEqualTo(Exit.SYSCALL);
            assertThat(kernel.engine.stats().growthFlushes).isZero();
        }
    }

    @Test
    void modelDoublesWhenMostSlotsWereUsedAndKeepsItsFilter() {
        TlbModel model = new TlbModel();
        boolean grow = false;
        for (int i = 0; i < 100_000 && !grow; i++) {
            grow = model.filled(i % 300, false);
        }
        assertThat(grow).isTrue();
        assertThat(model.mayHold(5)).isTrue();
        model.flushed();
        assertThat(model.size()).isEqualTo(512);
        assertThat(model.used()).isZero();
        assertThat(model.mayHold(5)).isFalse();
        model.filled(1000, false);
        assertThat(model.countIn(900, 1100)).isEqualTo(1);
        assertThat(model.countIn(0, 1L << 36)).isEqualTo(1);
    }

    @Test
    void firstTouchesAreTrimmedInsteadOfGrownFor() {
        TlbModel model = new TlbModel();
        int flushes = 0;
        for (int i = 0; i < 10_000; i++) {
            if (model.filled(i, true)) {
                model.flushed();
                flushes++;
            }
        }
        assertThat(model.size()).isEqualTo(256);
        assertThat(flushes).isBetween(50, 70);
    }

    @Test
    void firstTouchesAmongManyRefillsDoNotKeepTheTlbSmall() {
        TlbModel model = new TlbModel();
        for (int i = 0; i < 100_000 && model.size() == 256; i++) {
            if (model.filled(1000 + i % 300, i % 2 == 0)) {
                model.flushed();
            }
        }
        assertThat(model.size()).isEqualTo(512);
    }
}
