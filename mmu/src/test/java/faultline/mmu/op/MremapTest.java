package faultline.mmu.op;

import static faultline.mmu.mm.MmapFlags.MREMAP_DONTUNMAP;
import static faultline.mmu.mm.MmapFlags.MREMAP_FIXED;
import static faultline.mmu.mm.MmapFlags.MREMAP_MAYMOVE;
import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.FIXED;
import static faultline.mmu.system.MmFixture.PAGE;
import static faultline.mmu.system.MmFixture.RW;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import faultline.mmu.Errno;
import faultline.mmu.fault.MemoryFile;
import faultline.mmu.fault.ModelCpu;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.Prot;
import faultline.mmu.system.MemoryConfig;
import faultline.mmu.system.MmFixture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MremapTest {
    private static final int MOVE_TO = MREMAP_MAYMOVE | MREMAP_FIXED;
    private final MmFixture m = new MmFixture();

    @AfterEach
    void close() {
        m.close();
    }

    private static long at(int page) {
        return BASE + page * PAGE;
    }

    private void assertContent(long addr, int pages, int first) {
        for (int i = 0; i < pages; i++) {
            assertThat(m.cpu.load(addr + i * PAGE)).isEqualTo(first + i);
        }
    }

    @Test
    void shrinkUnmapsTheTail() {
        m.map(BASE, 4);
        m.fill(BASE, 4, 1);
        assertThat(m.mremap(BASE, 4 * PAGE, PAGE, 0, 0)).isEqualTo(BASE);
        assertThat(m.shape()).containsExactly("0-1 rw-p");
        assertThatThrownBy(() -> m.cpu.load(at(1))).isInstanceOf(ModelCpu.Signal.class);
    }

    @Test
    void shrinkAcrossTwoMappingsUnmapsTheTail() {
        m.map(BASE, 2);
        MmFixture.ok(m.mmap(at(2), PAGE, Prot.READ, FIXED));
        assertThat(m.mremap(BASE, 3 * PAGE, PAGE, 0, 0)).isEqualTo(BASE);
        assertThat(m.shape()).containsExactly("0-1 rw-p");
    }

    @Test
    void growthInPlaceMergesWithWhatFollows() {
        m.map(BASE, 2);
        m.map(at(4), 1);
        m.fill(BASE, 2, 1);
        assertThat(m.mremap(BASE, 2 * PAGE, 4 * PAGE, 0, 0)).isEqualTo(BASE);
        assertThat(m.shape()).containsExactly("0-5 rw-p");
        assertContent(BASE, 2, 1);
        assertThat(m.cpu.load(at(3))).isZero();
    }

    @Test
    void growthThatIsBlockedFailsOrMoves() {
        m.map(BASE, 2);
        MmFixture.ok(m.mmap(at(2), PAGE, Prot.READ, FIXED));
        m.fill(BASE, 2, 7);
        assertThat(m.mremap(BASE, 2 * PAGE, 4 * PAGE, 0, 0)).isEqualTo(-Errno.ENOMEM);
        long moved = MmFixture.ok(m.mremap(BASE, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE, 0));
        assertThat(moved).isNotEqualTo(BASE);
        assertContent(moved, 2, 7);
        assertThat(m.cpu.load(moved + 3 * PAGE)).isZero();
        assertThatThrownBy(() -> m.cpu.load(BASE)).isInstanceOf(ModelCpu.Signal.class);
    }

    @Test
    void aPartMovesAwayAndMergesWhenItComesBack() {
        m.map(BASE, 4);
        m.fill(BASE, 4, 1);
        assertThat(m.mremap(at(1), 2 * PAGE, 2 * PAGE, MOVE_TO, at(20))).isEqualTo(at(20));
        assertThat(m.shape()).containsExactly("0-1 rw-p", "3-4 rw-p", "20-22 rw-p");
        assertContent(at(20), 2, 2);
        assertThat(m.mremap(at(20), 2 * PAGE, 2 * PAGE, MOVE_TO, at(1))).isEqualTo(at(1));
        assertThat(m.shape()).containsExactly("0-4 rw-p");
        assertContent(BASE, 4, 1);
    }

    @Test
    void aMoveReplacesWhatIsAtItsDestination() {
        m.map(BASE, 2);
        m.map(at(20), 5);
        m.fill(BASE, 2, 1);
        m.fill(at(20), 5, 100);
        assertThat(m.mremap(BASE, 2 * PAGE, 2 * PAGE, MOVE_TO, at(21))).isEqualTo(at(21));
        assertThat(m.cpu.load(at(20))).isEqualTo(100);
        assertContent(at(21), 2, 1);
        assertThat(m.cpu.load(at(23))).isEqualTo(103);
    }

    @Test
    void movedPagesAreNotFaultedInAgain() {
        m.map(BASE, 3);
        m.fill(BASE, 3, 1);
        long faults = m.ctx.minFlt;
        MmFixture.ok(m.mremap(BASE, 3 * PAGE, 3 * PAGE, MOVE_TO, at(700)));
        m.fill(at(700), 3, 5);
        assertThat(m.ctx.minFlt).isEqualTo(faults);
    }

    @Test
    void aMoveSpansSeveralMappingsAndKeepsTheirGaps() {
        m.map(BASE, 1);
        MmFixture.ok(m.mmap(at(1), PAGE, Prot.READ, FIXED));
        m.map(at(4), 2);
        m.fill(at(4), 2, 9);
        assertThat(m.mremap(BASE, 6 * PAGE, 6 * PAGE, MOVE_TO, at(20))).isEqualTo(at(20));
        assertThat(m.shape()).containsExactly("20-21 rw-p", "21-22 r--p", "24-26 rw-p");
        assertContent(at(24), 2, 9);
        assertThat(m.mremap(at(22), 4 * PAGE, 4 * PAGE, MOVE_TO, BASE)).isEqualTo(-Errno.EFAULT);
        assertThat(m.mremap(at(20), 16 * PAGE, 16 * PAGE, MOVE_TO, BASE)).isEqualTo(BASE);
        assertThat(m.shape()).containsExactly("0-1 rw-p", "1-2 r--p", "4-6 rw-p");
        assertContent(at(4), 2, 9);
    }

    @Test
    void anUntouchedMappingMergesAtItsDestination() {
        m.map(BASE, 2);
        m.map(at(4), 2);
        assertThat(m.mremap(at(4), 2 * PAGE, 2 * PAGE, MOVE_TO, at(2))).isEqualTo(at(2));
        assertThat(m.shape()).containsExactly("0-4 rw-p");
    }

    @Test
    void dontUnmapMovesThePagesAndKeepsTheMapping() {
        m.map(BASE, 3);
        m.fill(BASE, 3, 1);
        assertThat(m.mremap(BASE, 3 * PAGE, 3 * PAGE, MOVE_TO | MREMAP_DONTUNMAP, at(30)))
                .isEqualTo(at(30));
        assertThat(m.shape()).containsExactly("0-3 rw-p", "30-33 rw-p");
        assertContent(at(30), 3, 1);
        assertThat(m.cpu.load(BASE)).isZero();
        m.cpu.store(at(1), 77);
        assertContent(at(30), 3, 1);
        assertThat(m.sys.commit().committed()).isEqualTo(6);
    }

    @Test
    void anOldLengthOfZeroMapsSharedMemoryASecondTime() {
        MmFixture.ok(m.mmap(BASE, 2 * PAGE, RW, MmapFlags.SHARED | MmapFlags.ANONYMOUS | MmapFlags.FIXED));
        m.cpu.store(BASE, 5);
        long twin = MmFixture.ok(m.mremap(BASE, 0, 2 * PAGE, MREMAP_MAYMOVE, 0));
        assertThat(m.cpu.load(twin)).isEqualTo(5);
        m.cpu.store(twin + PAGE, 6);
        assertThat(m.cpu.load(at(1))).isEqualTo(6);
        assertThat(m.mremap(BASE, 0, 2 * PAGE, MOVE_TO, at(40))).isEqualTo(at(40));
        assertThat(m.cpu.load(at(40))).isEqualTo(5);
    }

    @Test
    void wrongArgumentsAreRefusedAsTheKernelDoes() {
        m.map(BASE, 2);
        MmFixture.ok(m.mmap(at(2), PAGE, Prot.READ, FIXED));
        assertThat(m.mremap(BASE, 0, 2 * PAGE, MREMAP_MAYMOVE, 0)).isEqualTo(-Errno.EINVAL);
        assertThat(m.mremap(BASE, 0, PAGE, MOVE_TO, at(50))).isEqualTo(-Errno.EINVAL);
        assertThat(m.mremap(BASE, 0, 0, MREMAP_MAYMOVE, 0)).isEqualTo(-Errno.EINVAL);
        assertThat(m.mremap(BASE, 3 * PAGE, 5 * PAGE, MREMAP_MAYMOVE, 0)).isEqualTo(-Errno.EFAULT);
        assertThat(m.mremap(BASE, PAGE, PAGE, MOVE_TO, BASE)).isEqualTo(-Errno.EINVAL);
        assertThat(m.mremap(BASE, PAGE, PAGE, MREMAP_FIXED, at(9))).isEqualTo(-Errno.EINVAL);
        assertThat(m.mremap(BASE, PAGE, PAGE, MREMAP_DONTUNMAP, 0)).isEqualTo(-Errno.EINVAL);
        assertThat(m.mremap(BASE, PAGE, 2 * PAGE, MREMAP_DONTUNMAP | MREMAP_MAYMOVE, 0))
                .isEqualTo(-Errno.EINVAL);
        assertThat(m.mremap(BASE, PAGE, 2 * PAGE, 8, 0)).isEqualTo(-Errno.EINVAL);
        assertThat(m.mremap(BASE + 1, PAGE, 2 * PAGE, MREMAP_MAYMOVE, 0)).isEqualTo(-Errno.EINVAL);
        assertThat(m.mremap(BASE, PAGE, 0, MREMAP_MAYMOVE, 0)).isEqualTo(-Errno.EINVAL);
        assertThat(m.mremap(BASE, PAGE, PAGE, MOVE_TO, at(9) + 1)).isEqualTo(-Errno.EINVAL);
        assertThat(m.mremap(BASE, PAGE, 1L << 50, MREMAP_MAYMOVE, 0)).isEqualTo(-Errno.EINVAL);
        assertThat(m.mremap(at(70), PAGE, 2 * PAGE, MREMAP_MAYMOVE, 0)).isEqualTo(-Errno.EFAULT);
        assertThat(m.mremap(at(70), PAGE, PAGE, 0, 0)).isEqualTo(-Errno.EFAULT);
        assertThat(m.mremap(at(70), PAGE, PAGE, MOVE_TO, at(80))).isEqualTo(-Errno.EFAULT);
    }

    @Test
    void anOverlapIsSeenAlsoAtTheEndOfTheAddressSpace() {
        m.map(BASE, 4);
        assertThat(m.mremap(BASE, 3 * PAGE, 3 * PAGE, MOVE_TO, at(2))).isEqualTo(-Errno.EINVAL);
        assertThat(m.mremap(at(1), 3 * PAGE, 3 * PAGE, MOVE_TO, BASE)).isEqualTo(-Errno.EINVAL);
    }

    @Test
    void filePagesMoveWithTheirOffsets() {
        MemoryFile file = m.file(8);
        MmFixture.ok(m.mmap(BASE, 4 * PAGE, RW, MmapFlags.SHARED | MmapFlags.FIXED, file, 2));
        m.cpu.store(at(1) + 9, 55);
        assertThat(m.mremap(BASE, 4 * PAGE, 5 * PAGE, MOVE_TO, at(600))).isEqualTo(at(600));
        assertThat(m.cpu.load(at(600))).isEqualTo(3);
        assertThat(m.cpu.load(at(601) + 9)).isEqualTo(55);
        assertThat(m.cpu.load(at(604))).isEqualTo(7);
    }

    @Test
    void aLockedMappingThatGrowsIsPopulated() {
        m.map(BASE, 2);
        assertThat(m.sys.mlock().mlock(m.mm, m.ctx, BASE, 2 * PAGE)).isZero();
        assertThat(m.mremap(BASE, 2 * PAGE, 6 * PAGE, 0, 0)).isEqualTo(BASE);
        assertThat(m.mm.lockedVm()).isEqualTo(6);
        assertThat(m.mm.rssPages()).isEqualTo(6);
    }

    @Test
    void theNumberOfMappingsIsKeptBelowItsLimitByFour() {
        try (MmFixture few =
                new MmFixture(MemoryConfig.defaults().withMemBytes(8 << 20).withMaxMapCount(6), MmLimits.ROOT)) {
            few.map(BASE, 1);
            few.map(at(2), 1);
            assertThat(few.mremap(BASE, PAGE, PAGE, MOVE_TO, at(9))).isEqualTo(-Errno.ENOMEM);
        }
    }

    @Test
    void manyPagesAcrossSeveralTablesMoveWhole() {
        int pages = 1500;
        m.map(at(3), pages);
        for (int i = 0; i < pages; i += 7) {
            m.cpu.store(at(3 + i), i & 0xff);
        }
        MmFixture.ok(m.mremap(at(3), pages * PAGE, pages * PAGE, MOVE_TO, at(4001)));
        for (int i = 0; i < pages; i++) {
            assertThat(m.cpu.load(at(4001 + i))).isEqualTo(i % 7 == 0 ? i & 0xff : 0);
        }
    }
}
