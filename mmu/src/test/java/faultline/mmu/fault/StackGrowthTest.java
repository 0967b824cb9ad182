package faultline.mmu.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.Page;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class StackGrowthTest {
    private static final long TOP = FaultFixture.BASE + (1L << 30);
    private static final int GAP = 256;
    private FaultFixture f;
    private MmStruct mm;
    private ModelCpu cpu;
    private Vma stack;

    @BeforeEach
    void setUp() {
        f = new FaultFixture();
        mm = f.newMm();
        cpu = f.newCpu(mm);
        stack = f.mapAnon(mm, TOP - 4 * Page.SIZE, 4, FaultFixture.RW | VmFlags.GROWSDOWN);
    }

    @AfterEach
    void tearDown() {
        f.close();
    }

    @Test
    void touchBelowTheStackMakesItGrowToThatPage() {
        cpu.store(TOP - 1, 1);
        long below = TOP - 20 * Page.SIZE;

        cpu.store(below + 100, 7);

        assertThat(stack.start()).isEqualTo(below);
        assertThat(cpu.ctx.stackGrown).isTrue();
        assertThat(cpu.load(below + 100)).isEqualTo(7);
        assertThat(cpu.load(TOP - 1)).isEqualTo(1);
        assertThat(cpu.ctx.minFlt).isEqualTo(2);
    }

    @Test
    void pagesKeepTheirIndexSoThatTheReverseMapFindsThem() {
        cpu.store(TOP - 1, 1);
        long index = stack.pageIndex(TOP - Page.SIZE);

        cpu.store(TOP - 100 * Page.SIZE, 7);

        assertThat(stack.pageIndex(TOP - Page.SIZE)).isEqualTo(index);
        assertThat(stack.anonNode().first()).isEqualTo(stack.pgoff());
        assertThat(stack.anonNode().last()).isEqualTo(index);
    }

    @Test
    void growthStopsAtTheLimit() {
        long limit = mm.limits().stack();
        cpu.store(TOP - limit, 1);

        ModelCpu.Signal signal = catchThrowableOfType(ModelCpu.Signal.class, () -> cpu.store(TOP - limit - 1, 1));

        assertThat(signal.code).isEqualTo(FaultHandler.SEGV_MAPERR);
        assertThat(stack.start()).isEqualTo(TOP - limit);
    }

    @Test
    void guardGapKeepsTheStackAwayFromWhatLiesBelow() {
        f.mapAnon(mm, TOP - 400 * Page.SIZE, 1, FaultFixture.RW);
        long lowest = TOP - 400 * Page.SIZE + (1 + GAP) * Page.SIZE;

        cpu.store(lowest, 1);
        ModelCpu.Signal signal = catchThrowableOfType(ModelCpu.Signal.class, () -> cpu.store(lowest - 8, 1));

        assertThat(signal.code).isEqualTo(FaultHandler.SEGV_MAPERR);
        assertThat(signal.address).isEqualTo(lowest - 8);
    }

    @Test
    void inaccessibleMappingBelowCountsAsGuardItself() {
        f.mapAnon(mm, TOP - 40 * Page.SIZE, 1, FaultFixture.RW & ~VmFlags.ACCESS_FLAGS);

        cpu.store(TOP - 39 * Page.SIZE, 1);

        assertThat(stack.start()).isEqualTo(TOP - 39 * Page.SIZE);
    }

    @Test
    void growthThatHasToWaitForTheMmapLockEndsInRetryWhereWaitingIsNotAllowed() throws Exception {
        Thread reader = Thread.ofPlatform().start(() -> mm.mmapLock().readLock());
        reader.join();
        cpu.ctx.mayWait = false;

        int outcome = f.faults.doUserAddrFault(
                mm, TOP - 20 * Page.SIZE, FaultHandler.PF_USER | FaultHandler.PF_WRITE, cpu.ctx);

        assertThat(outcome).isEqualTo(FaultHandler.FAULT_RETRY);
        assertThat(stack.start()).isEqualTo(TOP - 4 * Page.SIZE);
        mm.mmapLock().readUnlock();
    }

    @Test
    void twoProcessorsGrowingOneStackAgreeOnIt() throws Exception {
        ModelCpu other = f.newCpu(mm);
        Race.run(
                1000,
                r -> {},
                r -> {
                    assertThat(cpu.load(TOP - (2 * r + 6) * Page.SIZE)).isEqualTo(1);
                    assertThat(cpu.load(TOP - (2 * r + 7) * Page.SIZE)).isEqualTo(2);
                    assertThat(stack.start()).isEqualTo(TOP - (2 * r + 7) * Page.SIZE);
                },
                r -> cpu.store(TOP - (2 * r + 6) * Page.SIZE, 1),
                r -> other.store(TOP - (2 * r + 7) * Page.SIZE, 2));
    }
}
