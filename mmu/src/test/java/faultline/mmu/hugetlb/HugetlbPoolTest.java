package faultline.mmu.hugetlb;

import static faultline.mmu.hugetlb.HugetlbFixture.BASE;
import static faultline.mmu.hugetlb.HugetlbFixture.HUGE;
import static faultline.mmu.hugetlb.HugetlbFixture.PRIVATE;
import static faultline.mmu.hugetlb.HugetlbFixture.SHARED;
import static faultline.mmu.hugetlb.HugetlbFixture.expectSigbus;
import static faultline.mmu.system.MmFixture.ok;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.Errno;
import faultline.mmu.mm.MmapFlags;
import org.junit.jupiter.api.Test;

/** What the pool promises, has, makes above its size, and gives back. */
class HugetlbPoolTest {
    @Test
    void aMappingThatThePoolCannotBackIsRefused() {
        try (HugetlbFixture f = new HugetlbFixture(2)) {
            assertThat(f.map(3, PRIVATE)).isEqualTo(-Errno.ENOMEM);
            assertThat(f.map(3, SHARED)).isEqualTo(-Errno.ENOMEM);
            ok(f.map(2, PRIVATE));
            assertThat(f.m.mmap(BASE + 16 * HUGE, HUGE, HugetlbFixture.RW, PRIVATE))
                    .isEqualTo(-Errno.ENOMEM);
            assertThat(f.counts()).isEqualTo("2 2 2 0");
        }
    }

    @Test
    void touchTakesWhatMmapReservedAndUnmappingGivesAllBack() {
        for (int flags : new int[] {PRIVATE, SHARED}) {
            try (HugetlbFixture f = new HugetlbFixture(4)) {
                ok(f.map(3, flags));
                assertThat(f.counts()).isEqualTo("4 4 3 0");
                f.cpu.store(BASE + HUGE + 5, 7);
                assertThat(f.cpu.load(BASE + HUGE + 4)).isZero();
                assertThat(f.cpu.load(BASE + 2 * HUGE)).isZero();
                assertThat(f.counts()).isEqualTo("4 2 1 0");
                assertThat(f.m.ctx.minFlt).isEqualTo(2);
                f.m.audit();
                ok(f.m.munmap(BASE + HUGE, HUGE));
                assertThat(f.counts()).isEqualTo(flags == PRIVATE ? "4 3 1 0" : "4 2 1 0");
                ok(f.m.munmap(BASE, 3 * HUGE));
                assertThat(f.counts()).isEqualTo("4 4 0 0");
            }
        }
    }

    @Test
    void withoutReservationTheLastPageIsWhoeverTouchesFirst() {
        try (HugetlbFixture f = new HugetlbFixture(1)) {
            ok(f.map(2, PRIVATE | MmapFlags.NORESERVE));
            assertThat(f.counts()).isEqualTo("1 1 0 0");
            f.cpu.store(BASE + HUGE, 1);
            expectSigbus(() -> f.cpu.store(BASE, 1));
            assertThat(f.cpu.load(BASE + HUGE)).isEqualTo(1);
        }
    }

    @Test
    void reservedPagesAreNotForMappingsWithoutReservation() {
        try (HugetlbFixture f = new HugetlbFixture(1)) {
            ok(f.map(1, SHARED));
            ok(f.m.mmap(BASE + 4 * HUGE, HUGE, HugetlbFixture.RW, PRIVATE | MmapFlags.NORESERVE | MmapFlags.FIXED));
            expectSigbus(() -> f.cpu.load(BASE + 4 * HUGE));
            f.cpu.store(BASE, 1);
        }
    }

    @Test
    void surplusPagesAreMadeOnDemandAndLeaveWhenTheyAreFree() {
        try (HugetlbFixture f = new HugetlbFixture(1)) {
            f.pool.setOvercommit(2);
            ok(f.map(3, PRIVATE));
            assertThat(f.counts()).isEqualTo("3 3 3 2");
            f.cpu.store(BASE, 1);
            assertThat(f.counts()).isEqualTo("3 2 2 2");
            ok(f.m.munmap(BASE, 3 * HUGE));
            assertThat(f.counts()).isEqualTo("1 1 0 0");
            ok(f.map(2, PRIVATE | MmapFlags.NORESERVE));
            f.cpu.store(BASE, 1);
            f.cpu.store(BASE + HUGE, 1);
            assertThat(f.counts()).isEqualTo("2 0 0 1");
        }
    }

    @Test
    void pagesInUseBecomeSurplusWhenThePoolShrinks() {
        try (HugetlbFixture f = new HugetlbFixture(4)) {
            ok(f.map(2, SHARED));
            f.cpu.store(BASE, 1);
            f.pool.resize(0);
            assertThat(f.counts()).isEqualTo("2 1 1 2");
            f.pool.resize(1);
            assertThat(f.counts()).isEqualTo("2 1 1 1");
            ok(f.m.munmap(BASE, 2 * HUGE));
            assertThat(f.counts()).isEqualTo("1 1 0 0");
        }
    }

    @Test
    void aPoolTooLargeForTheMemoryGetsWhatThereIs() {
        try (HugetlbFixture f = new HugetlbFixture(0)) {
            f.pool.resize(1000);
            assertThat(f.pool.total()).isBetween(20L, 31L);
            assertThat(f.pool.persistent()).isEqualTo(f.pool.total());
        }
    }

    @Test
    void whatIsInThePoolIsNotPromisedToOthers() {
        try (HugetlbFixture f = new HugetlbFixture(0)) {
            long before = f.m.sys.commit().limit();
            f.pool.resize(4);
            assertThat(f.m.sys.commit().limit()).isEqualTo(before - 4 * 512 / 2);
        }
    }

    @Test
    void anotherMappingMayTakeThePlaceOfOneThatUsesTheWholePool() {
        try (HugetlbFixture f = new HugetlbFixture(2)) {
            ok(f.map(2, PRIVATE));
            f.cpu.store(BASE, 1);
            ok(f.map(2, PRIVATE));
            assertThat(f.cpu.load(BASE)).isZero();
            assertThat(f.counts()).isEqualTo("2 1 1 0");
        }
    }
}
