package faultline.mmu.hugetlb;

import static faultline.mmu.hugetlb.HugetlbFixture.PRIVATE;
import static faultline.mmu.hugetlb.HugetlbFixture.RW;
import static faultline.mmu.hugetlb.HugetlbFixture.SHARED;
import static faultline.mmu.system.MmFixture.ok;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import faultline.mmu.Errno;
import faultline.mmu.fault.ModelCpu;
import faultline.mmu.fault.Race;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.Prot;
import faultline.mmu.phys.FrameAllocator;
import faultline.mmu.system.MemoryConfig;
import faultline.mmu.system.MmFixture;
import faultline.mmu.table.MoveMode;
import faultline.mmu.table.PtlMode;
import faultline.mmu.view.ProcSmaps;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Pages of 1 GiB: one entry of a PUD table each. The machine has room for two; little of them is ever touched. */
@Timeout(120)
class GiganticPageTest {
    private static final long GIB = 1L << 30;
    private static final long BASE = 64 * GIB;
    private static final int OF_1G = 30 << MmapFlags.HUGE_SHIFT;

    private static MmFixture machine(PtlMode ptl, MoveMode move, int pages) {
        MemoryConfig config = MemoryConfig.defaults()
                .withMemBytes(3 * GIB + (64L << 20))
                .withPtl(ptl)
                .withMove(move);
        MmFixture m = new MmFixture(config, MmLimits.ROOT);
        m.sys.hugetlb().gigantic().resize(pages);
        assertThat(m.sys.hugetlb().gigantic().total()).isEqualTo(pages);
        return m;
    }

    private static MmFixture machine(int pages) {
        return machine(PtlMode.SPLIT, MoveMode.PMD, pages);
    }

    /** Ends all, and looks that pages and books are complete. */
    private static void end(MmFixture m) {
        m.audit();
        m.sys.mms().forEach(m.sys::exitMmap);
        HugetlbPool pool = m.sys.hugetlb().gigantic();
        assertThat(pool.free()).isEqualTo(pool.total());
        assertThat(pool.reserved()).isZero();
        pool.resize(0);
        m.audit();
        m.close();
    }

    private static long map(MmFixture m, long pages, int flags) {
        return m.mmap(BASE, pages * GIB, RW, flags | OF_1G | MmapFlags.FIXED);
    }

    @Test
    void aTouchTakesOnePageAndNoTableBelow() {
        MmFixture m = machine(2);
        ok(map(m, 2, PRIVATE));
        m.cpu.store(BASE + GIB - 1, 5);

        assertThat(m.cpu.load(BASE + GIB - 1)).isEqualTo(5);
        assertThat(m.cpu.load(BASE)).isZero();
        assertThat(m.sys.hugetlb().gigantic().free()).isOne();
        assertThat(m.sys.hugetlb().gigantic().reserved()).isOne();
        assertThat(m.mm.nrPuds()).isOne();
        assertThat(m.mm.nrPmds()).isZero();
        assertThat(m.mm.rss(MmStruct.HUGETLBPAGES)).isEqualTo(GIB >> 12);
        assertThat(ProcSmaps.text(m.sys.tables(), m.sys.faultEnv().swap(), m.mm))
                .contains("KernelPageSize:  1048576 kB", "Private_Hugetlb: 1048576 kB");
        end(m);
    }

    @Test
    void partsOfAPageAreRefused() {
        MmFixture m = machine(1);
        ok(map(m, 1, PRIVATE));
        assertThat(m.munmap(BASE + (2L << 20), 2L << 20)).isEqualTo(-Errno.EINVAL);
        assertThat(m.mprotect(BASE, 2L << 20, Prot.READ)).isEqualTo(-Errno.EINVAL);
        assertThat(map(m, 2, PRIVATE)).as("more than the pool has").isEqualTo(-Errno.ENOMEM);
        end(m);
    }

    @Test
    void protectionHoldsForTheWholePage() {
        MmFixture m = machine(1);
        ok(map(m, 1, PRIVATE));
        m.cpu.store(BASE + 5, 1);
        ok(m.mprotect(BASE, GIB, Prot.READ));
        assertThat(catchThrowable(() -> m.cpu.store(BASE + GIB / 2, 1))).isInstanceOf(ModelCpu.Signal.class);
        ok(m.mprotect(BASE, GIB, RW));
        m.cpu.store(BASE + GIB / 2, 1);
        end(m);
    }

    @ParameterizedTest
    @EnumSource(MoveMode.class)
    void everyMoverTakesThePageAlong(MoveMode mode) {
        for (PtlMode ptl : PtlMode.values()) {
            MmFixture m = machine(ptl, mode, 2);
            ok(map(m, 2, PRIVATE));
            m.cpu.store(BASE + GIB + 7, 3);
            long to = BASE + 8 * GIB;
            ok(m.mremap(BASE, 2 * GIB, 2 * GIB, MmapFlags.MREMAP_MAYMOVE | MmapFlags.MREMAP_FIXED, to));
            assertThat(m.cpu.load(to + GIB + 7)).isEqualTo(3);
            m.audit();
            m.cpu.store(to + 1, 4);
            assertThat(m.cpu.load(to + 1)).isEqualTo(4);
            end(m);
        }
    }

    @Test
    void aChildSharesThePageAndOfSharedMemoryWritesIt() {
        MmFixture m = machine(1);
        ok(map(m, 1, SHARED));
        m.cpu.store(BASE + 9, 1);
        MmStruct child = m.newMm(MmLimits.ROOT);
        ok(m.sys.fork().dupMmap(child, m.mm, m.ctx));
        ModelCpu other = m.newCpu(child);
        other.store(BASE + 9, 2);
        assertThat(m.cpu.load(BASE + 9)).isEqualTo(2);
        end(m);
    }

    @Test
    void aChildSeesAPrivatePageAndGetsNoOtherWhereThereIsNone() {
        MmFixture m = machine(1);
        ok(map(m, 1, PRIVATE));
        m.cpu.store(BASE, 1);
        MmStruct child = m.newMm(MmLimits.ROOT);
        ok(m.sys.fork().dupMmap(child, m.mm, m.ctx));
        ModelCpu other = m.newCpu(child);
        assertThat(other.load(BASE)).isEqualTo(1);
        HugetlbFixture.expectSigbus(() -> other.store(BASE, 2));
        m.cpu.store(BASE, 3);
        HugetlbFixture.expectSigbus(() -> other.load(BASE));
        end(m);
    }

    @Test
    void pagesArePinnedWhereTheyAre() {
        MmFixture m = machine(1);
        ok(map(m, 1, PRIVATE));
        m.cpu.store(BASE + GIB - 4096, 1);
        long[] pfns = new long[1];
        m.mm.mmapLock().readLock();
        long got = m.sys.gup().getUserPages(m.mm, m.ctx, BASE + GIB - 4096, 1, true, false, pfns, null);
        m.mm.mmapLock().readUnlock();
        assertThat(got).isOne();
        assertThat(m.sys.phys().getByte(pfns[0] << 12)).isEqualTo((byte) 1);
        ok(m.munmap(BASE, GIB));
        assertThat(m.sys.hugetlb().gigantic().free()).as("pinned").isZero();
        m.sys.phys().allocator().putPage(pfns[0]);
        end(m);
    }

    /** The pool has one page: a second one wanted for the same place would be a SIGBUS. */
    @Test
    void firstTouchesOfOnePageAtOnceTakeOne() throws Exception {
        MmFixture m = machine(1);
        ModelCpu other = m.newCpu(m.mm);
        Race.run(
                2,
                _ -> ok(map(m, 1, SHARED)),
                _ -> {
                    assertThat(m.cpu.load(BASE) + m.cpu.load(BASE + GIB - 1)).isEqualTo(3);
                    m.audit();
                    ok(m.munmap(BASE, GIB));
                },
                _ -> m.cpu.store(BASE, 1),
                _ -> other.store(BASE + GIB - 1, 2));
        end(m);
    }

    @Test
    void memoryInUseIsNotMovedOutOfTheWay() {
        MmFixture m = machine(0);
        FrameAllocator allocator = m.sys.phys().allocator();
        long free = allocator.freeFrames();
        long first = allocator.allocContiguous(18);
        long second = allocator.allocContiguous(18);
        assertThat(first % (1 << 18)).isZero();
        assertThat(second).isNotEqualTo(first);
        assertThat(allocator.allocContiguous(18))
                .as("frame 0 and others are in use")
                .isNegative();
        allocator.freePages(first, 18);
        allocator.freePages(second, 18);
        assertThat(allocator.freeFrames()).isEqualTo(free);
        assertThat(allocator.allocContiguous(18)).isEqualTo(first);
        allocator.freePages(first, 18);
        end(m);
    }
}
