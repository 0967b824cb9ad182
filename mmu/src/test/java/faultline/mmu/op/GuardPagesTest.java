package faultline.mmu.op;

import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.PAGE;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.Errno;
import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.FaultHandler;
import faultline.mmu.mm.Madv;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.system.MmFixture;
import org.junit.jupiter.api.Test;

class GuardPagesTest {
    private static int touch(MmFixture m, MmStruct mm, long address) {
        return m.sys.faults()
                .doUserAddrFault(mm, address, FaultHandler.PF_USER | FaultHandler.PF_WRITE, new FaultContext());
    }

    @Test
    void touchingAGuardPageIsASegmentationFault() {
        try (MmFixture m = new MmFixture()) {
            m.map(BASE, 4);
            m.fill(BASE, 4, 1);
            assertThat(m.madvise(BASE + PAGE, PAGE, Madv.GUARD_INSTALL)).isZero();
            FaultContext ctx = new FaultContext();
            int result = m.sys.faults().doUserAddrFault(m.mm, BASE + PAGE, FaultHandler.PF_USER, ctx);
            assertThat(result).isEqualTo(FaultHandler.FAULT_SIGNAL);
            assertThat(ctx.siSigno).isEqualTo(FaultHandler.SIGSEGV);
            assertThat(ctx.siCode).isEqualTo(FaultHandler.SEGV_MAPERR);
            assertThat(m.mm.rss(MmStruct.ANONPAGES)).isEqualTo(3);
        }
    }

    @Test
    void guardPagesStayOverDontneedAndGoWithTheMapping() {
        try (MmFixture m = new MmFixture()) {
            m.map(BASE, 4);
            assertThat(m.madvise(BASE, 2 * PAGE, Madv.GUARD_INSTALL)).isZero();
            assertThat(m.madvise(BASE, 4 * PAGE, Madv.DONTNEED)).isZero();
            assertThat(touch(m, m.mm, BASE)).isEqualTo(FaultHandler.FAULT_SIGNAL);
            m.map(BASE, 4);
            assertThat(touch(m, m.mm, BASE)).isEqualTo(FaultHandler.FAULT_DONE);
        }
    }

    @Test
    void forkGivesTheChildGuardPagesOfItsOwn() {
        try (MmFixture m = new MmFixture()) {
            m.map(BASE, 4);
            m.madvise(BASE, PAGE, Madv.GUARD_INSTALL);
            MmStruct child = m.newMm(MmLimits.ROOT);
            assertThat(m.sys.fork().dupMmap(child, m.mm, m.ctx)).isZero();
            assertThat(m.madvise(BASE, PAGE, Madv.GUARD_REMOVE)).isZero();
            assertThat(touch(m, m.mm, BASE)).isEqualTo(FaultHandler.FAULT_DONE);
            assertThat(touch(m, child, BASE)).isEqualTo(FaultHandler.FAULT_SIGNAL);
        }
    }

    /** The installer empties and marks in two steps; a task that faults in between makes it begin again. */
    @Test
    void whoeverTouchesPagesMeanwhileLosesThemOrIsRefused() throws InterruptedException {
        try (MmFixture m = new MmFixture()) {
            int pages = 64;
            m.map(BASE, pages);
            Thread toucher = Thread.ofPlatform().start(() -> {
                for (int i = 0; i < 20_000; i++) {
                    touch(m, m.mm, BASE + i % pages * PAGE);
                }
            });
            long result = 0;
            while (toucher.isAlive()) {
                result = m.madvise(BASE, pages * PAGE, Madv.GUARD_INSTALL);
                assertThat(result).isIn(0L, (long) -Errno.EINTR);
                if (result == 0) {
                    assertThat(m.mm.rss(MmStruct.ANONPAGES)).isZero();
                    m.madvise(BASE, pages * PAGE, Madv.GUARD_REMOVE);
                }
            }
            toucher.join();
        }
    }
}
