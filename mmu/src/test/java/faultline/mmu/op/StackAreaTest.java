package faultline.mmu.op;

import static faultline.mmu.system.MmFixture.PAGE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import faultline.mmu.fault.ModelCpu;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.system.MemoryConfig;
import faultline.mmu.system.MmFixture;
import faultline.mmu.table.MoveMode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class StackAreaTest {
    private static final long TOP = MmLayout.STACK_TOP;

    @ParameterizedTest
    @EnumSource(MoveMode.class)
    void stringsMoveWithTheStack(MoveMode mode) {
        MemoryConfig config = MemoryConfig.defaults().withMemBytes(8L << 20).withMove(mode);
        try (MmFixture m = new MmFixture(config, MmLimits.ROOT)) {
            assertThat(m.sys.stackArea().create(m.mm)).isZero();
            m.cpu.store(TOP - 1, 11);
            m.cpu.store(TOP - 3 * PAGE, 33);
            long top = TOP - 0x1234_5000L;
            assertThat(m.sys.stackArea().place(m.mm, top, false)).isZero();
            assertThat(m.cpu.load(top - 1)).isEqualTo(11);
            assertThat(m.cpu.load(top - 3 * PAGE)).isEqualTo(33);
            assertThatThrownBy(() -> m.cpu.load(TOP - 1)).isInstanceOf(ModelCpu.Signal.class);
            Vma stack = m.mm.vmas().first();
            assertThat(stack.end()).isEqualTo(top);
            assertThat(stack.length()).isEqualTo((128 << 10) + 3 * PAGE);
            assertThat(stack.hasAny(VmFlags.STACK_INCOMPLETE_SETUP | VmFlags.EXEC))
                    .isFalse();
            m.cpu.store(stack.start() - 1, 5);
            assertThat(m.mm.vmas().first().length()).isEqualTo((128 << 10) + 4 * PAGE);
        }
    }

    @Test
    void aShiftSmallerThanTheStackMovesOverItself() {
        try (MmFixture m = new MmFixture()) {
            assertThat(m.sys.stackArea().create(m.mm)).isZero();
            for (int i = 1; i <= 5; i++) {
                m.cpu.store(TOP - i * PAGE, i);
            }
            assertThat(m.sys.stackArea().place(m.mm, TOP - 2 * PAGE, true)).isZero();
            for (int i = 1; i <= 5; i++) {
                assertThat(m.cpu.load(TOP - 2 * PAGE - i * PAGE)).isEqualTo(i);
            }
            assertThat(m.mm.vmas().first().has(VmFlags.EXEC)).isTrue();
        }
    }

    @Test
    void aSmallLimitLeavesLessRoom() {
        LimitsFixture limits = new LimitsFixture();
        limits.stack = 64 << 10;
        try (MmFixture m = new MmFixture(MemoryConfig.defaults().withMemBytes(8L << 20), limits)) {
            assertThat(m.sys.stackArea().create(m.mm)).isZero();
            m.cpu.store(TOP - 1, 1);
            assertThat(m.sys.stackArea().place(m.mm, TOP - 64 * PAGE, false)).isZero();
            assertThat(m.mm.vmas().first().length()).isEqualTo(64 << 10);
            long below = m.mm.vmas().first().start() - 1;
            assertThatThrownBy(() -> m.cpu.store(below, 1)).isInstanceOf(ModelCpu.Signal.class);
        }
    }
}
