package faultline.mmu.hugetlb;

import static faultline.mmu.hugetlb.HugetlbFixture.BASE;
import static faultline.mmu.hugetlb.HugetlbFixture.HUGE;
import static faultline.mmu.hugetlb.HugetlbFixture.PRIVATE;
import static faultline.mmu.hugetlb.HugetlbFixture.RW;
import static faultline.mmu.hugetlb.HugetlbFixture.SHARED;
import static faultline.mmu.hugetlb.HugetlbFixture.expectSigbus;
import static faultline.mmu.system.MmFixture.PAGE;
import static faultline.mmu.system.MmFixture.ok;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.Errno;
import faultline.mmu.fault.ModelCpu;
import faultline.mmu.mm.Madv;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.Prot;
import faultline.mmu.view.ProcNumaMaps;
import faultline.mmu.view.ProcSmaps;
import org.junit.jupiter.api.Test;

/** What system calls do to mappings of huge pages. */
class HugetlbMappingTest {
    private static final int MOVE = MmapFlags.MREMAP_MAYMOVE | MmapFlags.MREMAP_FIXED;

    @Test
    void aHugePageIsNeverCutInTwo() {
        try (HugetlbFixture f = new HugetlbFixture(4)) {
            ok(f.map(4, PRIVATE));
            f.cpu.store(BASE, 1);
            assertThat(f.m.munmap(BASE + PAGE, HUGE)).isEqualTo(-Errno.EINVAL);
            assertThat(f.m.munmap(BASE, PAGE)).isEqualTo(-Errno.EINVAL);
            assertThat(f.m.mprotect(BASE, PAGE, Prot.READ)).isEqualTo(-Errno.EINVAL);
            assertThat(f.m.madvise(BASE + PAGE, HUGE, Madv.DONTNEED)).isEqualTo(-Errno.EINVAL);
            assertThat(f.m.madvise(BASE, PAGE, Madv.DONTFORK)).isEqualTo(-Errno.EINVAL);
            assertThat(f.m.mremap(BASE + PAGE, HUGE, HUGE, MOVE, BASE + 8 * HUGE))
                    .isEqualTo(-Errno.EINVAL);
            assertThat(f.m.mremap(BASE, HUGE, HUGE, MOVE, BASE + 8 * HUGE + PAGE))
                    .isEqualTo(-Errno.EINVAL);
            assertThat(f.m.mmap(BASE + PAGE, HUGE, RW, PRIVATE | MmapFlags.FIXED))
                    .isEqualTo(-Errno.EINVAL);
            assertThat(f.cpu.load(BASE)).isEqualTo(1);
            assertThat(f.counts()).isEqualTo("4 3 3 0");
        }
    }

    @Test
    void lengthsAreRoundedUpAndHintsToo() {
        try (HugetlbFixture f = new HugetlbFixture(4)) {
            assertThat(f.m.mmap(BASE + PAGE, PAGE, RW, PRIVATE)).isEqualTo(BASE + HUGE);
            assertThat(f.counts()).isEqualTo("4 4 1 0");
            assertThat(ok(f.m.mmap(0, 3 * HUGE, RW, PRIVATE)) % HUGE).isZero();
        }
    }

    @Test
    void rightsChangeByWholePages() {
        try (HugetlbFixture f = new HugetlbFixture(3)) {
            ok(f.map(3, PRIVATE));
            f.cpu.store(BASE + HUGE, 9);
            ok(f.m.mprotect(BASE + HUGE, HUGE, Prot.READ));
            assertThat(f.cpu.load(BASE + HUGE)).isEqualTo(9);
            ok(f.m.mprotect(BASE + HUGE, HUGE, RW));
            f.cpu.store(BASE + HUGE, 10);
            assertThat(f.counts()).isEqualTo("3 2 2 0");
        }
    }

    @Test
    void pagesMoveWithTheirReservationsAndNeverGrow() {
        try (HugetlbFixture f = new HugetlbFixture(4)) {
            ok(f.map(4, PRIVATE));
            f.cpu.store(BASE + HUGE, 3);
            assertThat(f.m.mremap(BASE, 4 * HUGE, 5 * HUGE, MmapFlags.MREMAP_MAYMOVE, 0))
                    .isEqualTo(-Errno.EINVAL);
            long to = BASE + 32 * HUGE;
            assertThat(f.m.mremap(BASE, 2 * HUGE, 2 * HUGE, MOVE, to)).isEqualTo(to);
            f.m.audit();
            assertThat(f.counts()).isEqualTo("4 3 3 0");
            assertThat(f.cpu.load(to + HUGE)).isEqualTo(3);
            f.cpu.store(to, 4);
            f.cpu.store(BASE + 2 * HUGE, 5);
            f.cpu.store(BASE + 3 * HUGE, 6);
            assertThat(f.counts()).isEqualTo("4 0 0 0");
            ok(f.m.munmap(to, 2 * HUGE));
            assertThat(f.counts()).isEqualTo("4 2 0 0");
        }
    }

    @Test
    void droppedPagesOfAPrivateMappingStayReservedForIt() {
        try (HugetlbFixture f = new HugetlbFixture(2)) {
            ok(f.map(2, PRIVATE));
            f.cpu.store(BASE, 1);
            ok(f.m.madvise(BASE, HUGE + PAGE, Madv.DONTNEED));
            assertThat(f.counts()).isEqualTo("2 2 2 0");
            assertThat(f.cpu.load(BASE)).isZero();
            assertThat(f.m.madvise(BASE, HUGE, Madv.FREE)).isEqualTo(-Errno.EINVAL);
            assertThat(f.m.madvise(BASE, HUGE, Madv.COLD)).isEqualTo(-Errno.EINVAL);
            assertThat(f.m.madvise(BASE, HUGE, Madv.WILLNEED)).isZero();
            assertThat(f.m.madvise(BASE, HUGE, Madv.DODUMP)).isZero();
        }
    }

    @Test
    void aChildThatWritesNeedsAPageThatNobodyReserved() {
        try (HugetlbFixture f = new HugetlbFixture(2)) {
            ok(f.map(2, PRIVATE));
            f.cpu.store(BASE, 1);
            ModelCpu child = f.m.newCpu(f.fork());
            assertThat(child.load(BASE)).isEqualTo(1);
            expectSigbus(() -> child.store(BASE, 2));
            f.pool.resize(3);
            child.store(BASE, 2);
            assertThat(f.cpu.load(BASE)).isEqualTo(1);
            assertThat(f.counts()).isEqualTo("3 1 1 0");
        }
    }

    @Test
    void anOwnerWithoutAPageForItsCopyTakesTheChilds() {
        try (HugetlbFixture f = new HugetlbFixture(1)) {
            ok(f.map(1, PRIVATE));
            f.cpu.store(BASE, 1);
            MmStruct childMm = f.fork();
            ModelCpu child = f.m.newCpu(childMm);
            assertThat(child.load(BASE)).isEqualTo(1);
            f.cpu.store(BASE, 2);
            expectSigbus(() -> child.load(BASE));
            assertThat(f.cpu.load(BASE)).isEqualTo(2);
            assertThat(childMm.rss(MmStruct.HUGETLBPAGES)).isZero();
            assertThat(f.counts()).isEqualTo("1 0 0 0");
        }
    }

    @Test
    void aChildMayKeepThePageThatItsParentLeaves() {
        try (HugetlbFixture f = new HugetlbFixture(2)) {
            ok(f.map(2, PRIVATE));
            f.cpu.store(BASE, 1);
            MmStruct childMm = f.fork();
            ModelCpu child = f.m.newCpu(childMm);
            ok(f.m.munmap(BASE, 2 * HUGE));
            assertThat(f.counts()).isEqualTo("2 1 0 0");
            child.store(BASE, 5);
            assertThat(child.load(BASE)).isEqualTo(5);
            assertThat(f.counts()).isEqualTo("2 1 0 0");
        }
    }

    @Test
    void sharedPagesAreSeenByBothSidesOfAFork() {
        try (HugetlbFixture f = new HugetlbFixture(2)) {
            ok(f.map(2, SHARED));
            ModelCpu child = f.m.newCpu(f.fork());
            child.store(BASE, 1);
            f.cpu.store(BASE + HUGE, 2);
            assertThat(f.cpu.load(BASE)).isEqualTo(1);
            assertThat(child.load(BASE + HUGE)).isEqualTo(2);
            assertThat(f.counts()).isEqualTo("2 0 0 0");
            assertThat(ProcSmaps.text(f.m.sys.tables(), f.m.sys.faultEnv().swap(), f.m.mm))
                    .contains("Shared_Hugetlb:     4096 kB");
        }
    }

    @Test
    void viewsTellThemFromOtherMemory() {
        try (HugetlbFixture f = new HugetlbFixture(2)) {
            ok(f.map(2, PRIVATE));
            f.cpu.store(BASE, 1);
            assertThat(ProcSmaps.text(f.m.sys.tables(), f.m.sys.faultEnv().swap(), f.m.mm))
                    .contains("/anon_hugepage (deleted)")
                    .contains("KernelPageSize:     2048 kB")
                    .contains("Rss:                   0 kB")
                    .contains("Private_Hugetlb:    2048 kB")
                    .contains(" ht ");
            assertThat(ProcNumaMaps.text(f.m.sys.tables(), f.m.mm, null))
                    .contains("huge anon=1 dirty=1 N0=1 kernelpagesize_kB=2048");
            assertThat(f.m.mm.rssPages()).isZero();
            assertThat(f.m.mm.rss(MmStruct.HUGETLBPAGES)).isEqualTo(512);
        }
    }

    @Test
    void lockingBringsPagesInAndCountsNothing() {
        try (HugetlbFixture f = new HugetlbFixture(2)) {
            ok(f.map(2, PRIVATE));
            ok(f.m.sys.mlock().mlock(f.m.mm, f.m.ctx, BASE + PAGE, PAGE));
            assertThat(f.counts()).isEqualTo("2 1 1 0");
            assertThat(f.m.mm.lockedVm()).isZero();
        }
    }

    @Test
    void theKernelReachesEveryPartOfAPage() {
        try (HugetlbFixture f = new HugetlbFixture(1)) {
            ok(f.map(1, SHARED));
            byte[] bytes = {1, 2, 3, 4};
            long at = BASE + 5 * PAGE - 2;
            assertThat(f.m.sys.userMemory().copyToUser(f.m.mm, f.m.ctx, at, bytes, 0, 4))
                    .isZero();
            assertThat(f.cpu.load(BASE + 5 * PAGE + 1)).isEqualTo(4);
            byte[] vector = new byte[512];
            assertThat(f.m.sys.mincore().run(f.m.mm, BASE, 512, vector)).isEqualTo(512);
            assertThat(vector).containsOnly(1);
        }
    }
}
