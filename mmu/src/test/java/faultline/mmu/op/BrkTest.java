package faultline.mmu.op;

import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.PAGE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import faultline.mmu.fault.ModelCpu;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.system.MemoryConfig;
import faultline.mmu.system.MmFixture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class BrkTest {
    private final MmFixture m = new MmFixture();

    @BeforeEach
    void heap() {
        m.mm.setStartBrk(BASE + 100, BASE + 100);
    }

    @AfterEach
    void close() {
        m.close();
    }

    private long brk(long end) {
        return m.sys.brk().run(m.mm, m.ctx, end);
    }

    @Test
    void zeroTellsTheEndOfTheHeap() {
        assertThat(brk(0)).isEqualTo(BASE + 100);
    }

    @Test
    void theHeapGrowsAsOneMappingAndShrinks() {
        assertThat(brk(BASE + 3 * PAGE)).isEqualTo(BASE + 3 * PAGE);
        assertThat(brk(BASE + 5 * PAGE + 1)).isEqualTo(BASE + 5 * PAGE + 1);
        assertThat(m.shape()).containsExactly("1-6 rw-p");
        m.cpu.store(BASE + 5 * PAGE, 1);
        assertThat(brk(BASE + 2 * PAGE)).isEqualTo(BASE + 2 * PAGE);
        assertThat(m.shape()).containsExactly("1-2 rw-p");
        assertThatThrownBy(() -> m.cpu.load(BASE + 5 * PAGE)).isInstanceOf(ModelCpu.Signal.class);
    }

    @Test
    void memoryThatComesBackIsZero() {
        brk(BASE + 3 * PAGE);
        m.cpu.store(BASE + 2 * PAGE, 7);
        brk(BASE + 2 * PAGE);
        brk(BASE + 3 * PAGE);
        assertThat(m.cpu.load(BASE + 2 * PAGE)).isZero();
    }

    @Test
    void theHeapStopsShortOfAnotherMapping() {
        m.map(BASE + 10 * PAGE, 1);
        assertThat(brk(BASE + 9 * PAGE)).isEqualTo(BASE + 9 * PAGE);
        assertThat(brk(BASE + 10 * PAGE)).isEqualTo(BASE + 9 * PAGE);
        assertThat(brk(BASE + 11 * PAGE)).isEqualTo(BASE + 9 * PAGE);
    }

    @Test
    void belowItsStartNothingChanges() {
        brk(BASE + 3 * PAGE);
        assertThat(brk(BASE)).isEqualTo(BASE + 3 * PAGE);
    }

    @Test
    void theDataLimitBinds() {
        LimitsFixture limits = new LimitsFixture();
        limits.data = 4 * PAGE;
        try (MmFixture few = new MmFixture(MemoryConfig.defaults().withMemBytes(8 << 20), limits)) {
            few.mm.setStartBrk(BASE, BASE);
            assertThat(few.sys.brk().run(few.mm, few.ctx, BASE + 4 * PAGE)).isEqualTo(BASE + 4 * PAGE);
            assertThat(few.sys.brk().run(few.mm, few.ctx, BASE + 4 * PAGE + 1)).isEqualTo(BASE + 4 * PAGE);
            assertThat(few.mmap(0, PAGE, MmFixture.RW, MmFixture.ANON)).isEqualTo(-12);
            assertThat(MmLimits.ROOT.data()).isEqualTo(MmLimits.INFINITY);
        }
    }
}
