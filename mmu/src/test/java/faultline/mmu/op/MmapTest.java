package faultline.mmu.op;

import static faultline.mmu.system.MmFixture.ANON;
import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.FIXED;
import static faultline.mmu.system.MmFixture.PAGE;
import static faultline.mmu.system.MmFixture.RW;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import faultline.mmu.Errno;
import faultline.mmu.fault.MemoryFile;
import faultline.mmu.fault.ModelCpu;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.Prot;
import faultline.mmu.system.MmFixture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MmapTest {
    private final MmFixture m = new MmFixture();

    @AfterEach
    void close() {
        m.close();
    }

    @Test
    void anonymousMemoryReadsAsZerosAndKeepsWhatIsWritten() {
        long at = m.mmap(0, 3 * PAGE, RW, ANON);
        assertThat(m.cpu.load(at)).isZero();
        m.cpu.store(at, 7);
        m.cpu.store(at + 2 * PAGE, 9);
        assertThat(m.cpu.load(at)).isEqualTo(7);
        assertThat(m.cpu.load(at + PAGE)).isZero();
        assertThat(m.cpu.load(at + 2 * PAGE)).isEqualTo(9);
    }

    @Test
    void mappingsArePlacedTopDownAndMergeWithTheirNeighbour() {
        long high = m.mmap(0, PAGE, RW, ANON);
        long low = m.mmap(0, 2 * PAGE, RW, ANON);
        assertThat(low).isEqualTo(high - 2 * PAGE);
        assertThat(high + PAGE).isEqualTo(m.mm.mmapBase());
        assertThat(m.mm.vmas().size()).isEqualTo(1);
    }

    @Test
    void wholeHugePagesWithoutHintAreAlignedToThem() {
        m.mmap(0, PAGE, RW, ANON);
        long at = m.mmap(0, 2 * MmLayout.PMD_SIZE, RW, ANON);
        assertThat(at & MmLayout.PMD_SIZE - 1).isZero();
    }

    @Test
    void aHintIsTakenWhenFreeAndIgnoredWhenNot() {
        assertThat(m.mmap(BASE + 5, PAGE, RW, ANON)).isEqualTo(BASE);
        assertThat(m.mmap(BASE, PAGE, RW, ANON)).isNotEqualTo(BASE);
    }

    @Test
    void aHintBelowTheLowestAllowedAddressIsRoundedUp() {
        assertThat(m.mmap(PAGE, PAGE, RW, ANON)).isEqualTo(m.sys.sysctl().mmapMinAddr);
    }

    @Test
    void neighboursWithEqualRightsBecomeOne() {
        m.map(BASE, 1);
        m.map(BASE + 2 * PAGE, 1);
        assertThat(m.shape()).containsExactly("0-1 rw-p", "2-3 rw-p");
        m.map(BASE + PAGE, 1);
        assertThat(m.shape()).containsExactly("0-3 rw-p");
    }

    @Test
    void neighboursWithPagesOfDifferentFamiliesStayApart() {
        m.map(BASE, 1);
        m.map(BASE + 2 * PAGE, 1);
        m.cpu.store(BASE, 1);
        m.cpu.store(BASE + 2 * PAGE, 2);
        m.map(BASE + PAGE, 1);
        assertThat(m.shape()).containsExactly("0-2 rw-p", "2-3 rw-p");
    }

    @Test
    void fixedReplacesWhatIsThere() {
        m.map(BASE, 4);
        m.fill(BASE, 4, 10);
        assertThat(m.mmap(BASE + PAGE, 2 * PAGE, Prot.READ, FIXED)).isEqualTo(BASE + PAGE);
        assertThat(m.shape()).containsExactly("0-1 rw-p", "1-3 r--p", "3-4 rw-p");
        assertThat(m.cpu.load(BASE)).isEqualTo(10);
        assertThat(m.cpu.load(BASE + PAGE)).isZero();
        assertThat(m.cpu.load(BASE + 3 * PAGE)).isEqualTo(13);
        assertThatThrownBy(() -> m.cpu.store(BASE + PAGE, 1)).isInstanceOf(ModelCpu.Signal.class);
    }

    @Test
    void fixedNoreplaceRefusesAnyOverlap() {
        m.map(BASE, 1);
        int flags = ANON | MmapFlags.FIXED_NOREPLACE;
        assertThat(m.mmap(BASE, PAGE, RW, flags)).isEqualTo(-Errno.EEXIST);
        assertThat(m.mmap(BASE + PAGE, PAGE, RW, flags)).isEqualTo(BASE + PAGE);
    }

    @Test
    void errorsComeInTheKernelsOrder() {
        assertThat(m.mmap(1, 0, RW, MmapFlags.FIXED | ANON)).isEqualTo(-Errno.EINVAL);
        assertThat(m.mmap(0, -1, RW, ANON)).isEqualTo(-Errno.ENOMEM);
        assertThat(m.mmap(0, 1L << 48, RW, ANON)).isEqualTo(-Errno.ENOMEM);
        assertThat(m.mmap(BASE + 1, PAGE, RW, FIXED)).isEqualTo(-Errno.EINVAL);
        assertThat(m.mmap(MmLayout.TASK_SIZE, PAGE, RW, FIXED)).isEqualTo(-Errno.ENOMEM);
        assertThat(m.mmap(0, PAGE, RW, MmapFlags.ANONYMOUS)).isEqualTo(-Errno.EINVAL);
        assertThat(m.mmap(0, PAGE, RW, MmapFlags.PRIVATE)).isEqualTo(-Errno.EBADF);
        assertThat(m.mmap(0, PAGE, RW, MmapFlags.SHARED | MmapFlags.ANONYMOUS | MmapFlags.GROWSDOWN))
                .isEqualTo(-Errno.EINVAL);
        assertThat(m.mmap(0, PAGE, RW, MmapFlags.SHARED_VALIDATE | MmapFlags.ANONYMOUS))
                .isEqualTo(-Errno.EINVAL);
        assertThat(m.mmap(0, PAGE, RW, ANON | MmapFlags.HUGETLB)).isEqualTo(-Errno.ENOMEM);
    }

    @Test
    void fileErrorsComeInTheKernelsOrder() {
        MemoryFile file = m.file(4);
        assertThat(m.mmap(0, PAGE, RW, 0, file, 0)).isEqualTo(-Errno.EINVAL);
        assertThat(m.mmap(0, PAGE, RW, MmapFlags.SHARED_VALIDATE | MmapFlags.SYNC, file, 0))
                .isEqualTo(-Errno.EOPNOTSUPP);
        assertThat(m.mmap(0, 2 * PAGE, RW, MmapFlags.SHARED, file, -1)).isEqualTo(-Errno.EOVERFLOW);
        assertThat(m.mmap(0, PAGE, RW, MmapFlags.PRIVATE | MmapFlags.GROWSDOWN, file, 0))
                .isEqualTo(-Errno.EINVAL);
    }

    @Test
    void privateFilePagesAreCopiedOnWrite() {
        MemoryFile file = m.file(4);
        long at = m.mmap(BASE, 3 * PAGE, RW, MmapFlags.PRIVATE, file, 1);
        assertThat(m.cpu.load(at)).isEqualTo(2);
        m.cpu.store(at, 99);
        assertThat(m.cpu.load(at)).isEqualTo(99);
        assertThat(file.byteAt(PAGE)).isEqualTo((byte) 2);
        long other = m.mmap(BASE + 16 * PAGE, PAGE, Prot.READ, MmapFlags.PRIVATE, file, 1);
        assertThat(m.cpu.load(other)).isEqualTo(2);
    }

    @Test
    void adjacentPartsOfAFileMergeOnlyWhereOffsetsFit() {
        MemoryFile file = m.file(8);
        int fixed = MmapFlags.PRIVATE | MmapFlags.FIXED;
        m.mmap(BASE, PAGE, Prot.READ, fixed, file, 0);
        m.mmap(BASE + PAGE, PAGE, Prot.READ, fixed, file, 1);
        m.mmap(BASE + 2 * PAGE, PAGE, Prot.READ, fixed, file, 3);
        assertThat(m.shape()).containsExactly("0-2 r--p", "2-3 r--p");
    }

    @Test
    void sharedWritesReachTheFile() {
        MemoryFile file = m.file(2);
        long at = m.mmap(BASE, 2 * PAGE, RW, MmapFlags.SHARED, file, 0);
        m.cpu.store(at + PAGE + 5, 42);
        assertThat(m.sys.msync().run(m.mm, at, 2 * PAGE, Msync.MS_SYNC)).isZero();
        assertThat(file.byteAt(PAGE + 5)).isEqualTo((byte) 42);
    }

    @Test
    void populateBringsPagesInAndLaterAccessesDoNotFault() {
        long at = m.mmap(0, 8 * PAGE, RW, ANON | MmapFlags.POPULATE);
        long before = m.ctx.minFlt;
        m.fill(at, 8, 1);
        assertThat(m.ctx.minFlt).isEqualTo(before);
        assertThat(m.mm.rssPages()).isEqualTo(8);
    }

    @Test
    void the32BitFlagPlacesBelowTwoGigabytes() {
        long at = m.mmap(0, PAGE, RW, ANON | MmapFlags.BIT32);
        assertThat(at).isBetween(1L << 30, (2L << 30) - PAGE);
    }

    @Test
    void sharedAnonymousPagesAreCountedAsSharedMemory() {
        long at = m.mmap(0, 2 * PAGE, RW, MmapFlags.SHARED | MmapFlags.ANONYMOUS);
        m.cpu.store(at, 3);
        assertThat(m.cpu.load(at)).isEqualTo(3);
        assertThat(m.mm.rss(3)).isEqualTo(1);
        assertThat(m.munmap(at, 2 * PAGE)).isZero();
    }

    @Test
    void nothingIsPlacedInTheGuardGapBelowAStack() {
        long stack = m.mmap(BASE + 1024 * PAGE, PAGE, RW, FIXED | MmapFlags.GROWSDOWN);
        long gap = m.sys.sysctl().stackGuardGap;
        assertThat(m.mmap(stack - gap, PAGE, RW, ANON)).isNotEqualTo(stack - gap);
        assertThat(m.mmap(stack - gap - PAGE, PAGE, RW, ANON)).isEqualTo(stack - gap - PAGE);
    }
}
