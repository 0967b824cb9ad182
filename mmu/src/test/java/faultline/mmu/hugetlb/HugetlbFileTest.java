package faultline.mmu.hugetlb;

import static faultline.mmu.hugetlb.HugetlbFixture.BASE;
import static faultline.mmu.hugetlb.HugetlbFixture.HUGE;
import static faultline.mmu.hugetlb.HugetlbFixture.expectSigbus;
import static faultline.mmu.system.MmFixture.PAGE;
import static faultline.mmu.system.MmFixture.ok;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.Errno;
import faultline.mmu.mm.Madv;
import faultline.mmu.mm.MmapFlags;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

/** Files of huge pages: size, holes, pages laid in, private mappings of them. */
class HugetlbFileTest {
    private static final int KEEP_SIZE = 1;
    private static final int PUNCH_HOLE = 2;

    private static int allocate(HugetlbInode inode, int mode, long offset, long length) {
        return new HugetlbFileCalls(inode).allocate(mode, offset, length);
    }

    private static String read(HugetlbInode inode, long position, int length) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment to = arena.allocate(length);
            long n = new HugetlbFileCalls(inode).read(position, to, length);
            StringBuilder text = new StringBuilder();
            for (long i = 0; i < n; i++) {
                text.append(to.get(ValueLayout.JAVA_BYTE, i)).append(' ');
            }
            return text.toString();
        }
    }

    @Test
    void whatAMappingWritesTheFileReads() {
        try (HugetlbFixture f = new HugetlbFixture(3)) {
            HugetlbInode inode = f.inode(3);
            ok(f.mapFile(inode, BASE, 2, MmapFlags.SHARED, 1));
            f.cpu.store(BASE, 7);
            f.cpu.store(BASE + HUGE - 1, 8);
            assertThat(read(inode, HUGE - 1, 3)).isEqualTo("0 7 0 ");
            assertThat(read(inode, 2 * HUGE - 2, 4)).isEqualTo("0 8 0 0 ");
            assertThat(read(inode, 3 * HUGE - 1, 4)).isEqualTo("0 ");
            assertThat(read(inode, 3 * HUGE, 4)).isEmpty();
        }
    }

    @Test
    void aWritableMappingMakesTheFileAsLongAsItReaches() {
        try (HugetlbFixture f = new HugetlbFixture(3)) {
            HugetlbInode inode = f.inode(0);
            ok(f.mapFile(inode, BASE, 2, MmapFlags.SHARED, 1));
            assertThat(inode.mapping().size()).isEqualTo(3 * HUGE);
            assertThat(f.mapFile(inode, BASE + 8 * HUGE, 1, MmapFlags.SHARED, 0))
                    .isPositive();
            assertThat(f.counts()).isEqualTo("3 3 3 0");
            OpenHugeFile file = new OpenHugeFile(inode);
            assertThat(f.m.sys.mmap().doMmap(f.m.mm, f.m.ctx, 0, HUGE, 3, MmapFlags.SHARED, file, 1))
                    .isEqualTo(-Errno.EINVAL);
        }
    }

    @Test
    void whatIsCutOffIsGoneForEverybodyWithItsPromises() {
        try (HugetlbFixture f = new HugetlbFixture(6)) {
            HugetlbInode inode = f.inode(3);
            ok(f.mapFile(inode, BASE, 3, MmapFlags.SHARED, 0));
            ok(f.mapFile(inode, BASE + 16 * HUGE, 3, MmapFlags.PRIVATE, 0));
            f.cpu.store(BASE, 1);
            f.cpu.store(BASE + HUGE, 2);
            f.cpu.store(BASE + 17 * HUGE, 3);
            assertThat(f.cpu.load(BASE + HUGE)).isEqualTo(2);
            assertThat(f.counts()).isEqualTo("6 3 3 0");
            assertThat(new HugetlbFileCalls(inode).truncate(HUGE + PAGE)).isEqualTo(-Errno.EINVAL);
            assertThat(new HugetlbFileCalls(inode).truncate(HUGE)).isZero();
            expectSigbus(() -> f.cpu.load(BASE + HUGE));
            expectSigbus(() -> f.cpu.load(BASE + 2 * HUGE));
            expectSigbus(() -> f.cpu.load(BASE + 17 * HUGE));
            assertThat(f.cpu.load(BASE)).isEqualTo(1);
            assertThat(f.counts()).isEqualTo("6 5 3 0");
            f.m.audit();
            ok(f.m.munmap(BASE, 32 * HUGE));
            assertThat(f.counts()).isEqualTo("6 5 0 0");
        }
    }

    @Test
    void pagesAreLaidInByRoundedRangesAndHolesAreMadeOfWholePages() {
        try (HugetlbFixture f = new HugetlbFixture(4)) {
            HugetlbInode inode = f.inode(0);
            assertThat(allocate(inode, 0, 5, HUGE)).isZero();
            assertThat(inode.mapping().size()).isEqualTo(HUGE + 5);
            assertThat(f.counts()).isEqualTo("4 2 0 0");
            assertThat(allocate(inode, KEEP_SIZE, 2 * HUGE, HUGE)).isZero();
            assertThat(inode.mapping().size()).isEqualTo(HUGE + 5);
            assertThat(f.counts()).isEqualTo("4 1 0 0");
            ok(f.mapFile(inode, BASE, 2, MmapFlags.SHARED, 0));
            f.cpu.store(BASE + HUGE - 1, 6);
            f.cpu.store(BASE + HUGE, 7);
            assertThat(allocate(inode, KEEP_SIZE | PUNCH_HOLE, HUGE - PAGE, HUGE + PAGE))
                    .isZero();
            assertThat(f.counts()).isEqualTo("4 2 0 0");
            assertThat(f.cpu.load(BASE + HUGE - 1)).isZero();
            assertThat(f.cpu.load(BASE + HUGE)).isZero();
            assertThat(allocate(inode, 0, 0, 16 * HUGE)).isEqualTo(-Errno.ENOSPC);
            assertThat(f.pool.free()).isZero();
            assertThat(allocate(inode, 16, 0, HUGE)).isEqualTo(-Errno.EOPNOTSUPP);
        }
    }

    @Test
    void removingByAddressMakesAHole() {
        try (HugetlbFixture f = new HugetlbFixture(2)) {
            HugetlbInode inode = f.inode(2);
            ok(f.mapFile(inode, BASE, 2, MmapFlags.SHARED, 0));
            f.cpu.store(BASE, 1);
            f.cpu.store(BASE + HUGE, 2);
            ok(f.m.madvise(BASE, HUGE, Madv.REMOVE));
            assertThat(f.cpu.load(BASE)).isZero();
            assertThat(f.cpu.load(BASE + HUGE)).isEqualTo(2);
        }
    }

    @Test
    void aPrivateMappingReadsTheFilesPageUntilItWrites() {
        try (HugetlbFixture f = new HugetlbFixture(3)) {
            HugetlbInode inode = f.inode(1);
            ok(f.mapFile(inode, BASE, 1, MmapFlags.SHARED, 0));
            ok(f.mapFile(inode, BASE + 8 * HUGE, 1, MmapFlags.PRIVATE, 0));
            f.cpu.store(BASE + 9, 1);
            assertThat(f.cpu.load(BASE + 8 * HUGE + 9)).isEqualTo(1);
            assertThat(f.counts()).isEqualTo("3 2 1 0");
            f.cpu.store(BASE + 8 * HUGE + 9, 2);
            assertThat(f.counts()).isEqualTo("3 1 0 0");
            f.cpu.store(BASE + 9, 3);
            assertThat(f.cpu.load(BASE + 8 * HUGE + 9)).isEqualTo(2);
        }
    }
}
