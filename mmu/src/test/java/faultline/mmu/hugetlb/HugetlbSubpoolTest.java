package faultline.mmu.hugetlb;

import static faultline.mmu.hugetlb.HugetlbFixture.BASE;
import static faultline.mmu.hugetlb.HugetlbFixture.HUGE;
import static faultline.mmu.hugetlb.HugetlbFixture.expectSigbus;
import static faultline.mmu.system.MmFixture.ok;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.Errno;
import faultline.mmu.fault.ModelCpu;
import faultline.mmu.fault.Race;
import faultline.mmu.mm.MmapFlags;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What files of a mount with limits get of the pool: no more than its size, and min_size at any rate. */
@Timeout(60)
class HugetlbSubpoolTest {
    private static final int SHARED = MmapFlags.SHARED;
    private static final int PRIVATE = MmapFlags.PRIVATE;

    private final HugetlbFixture f = new HugetlbFixture(8);
    private HugetlbSubpool share;

    @AfterEach
    void close() {
        f.m.sys.mms().forEach(mm -> f.m.sys.munmap().run(mm, BASE, 64 * HUGE));
        f.pool.inodes().forEach(HugetlbInode::evict);
        share.retire();
        assertThat(f.pool.subpools()).isEmpty();
        f.close();
    }

    private HugetlbInode inode(long most, long least) {
        share = HugetlbSubpool.make(f.pool, most, least);
        return new HugetlbInode(f.pool, share, 8 * HUGE);
    }

    private void touch(int pages) {
        for (int i = 0; i < pages; i++) {
            f.cpu.store(BASE + i * HUGE, i + 1);
        }
    }

    @Test
    void noMoreThanTheSizeMayBeMapped() {
        HugetlbInode inode = inode(2, HugetlbSubpool.NONE);
        assertThat(f.mapFile(inode, BASE, 3, SHARED, 0)).isEqualTo(-Errno.ENOMEM);
        assertThat(f.counts()).isEqualTo("8 8 0 0");
        ok(f.mapFile(inode, BASE, 2, SHARED, 0));
        assertThat(share.left()).isZero();
        assertThat(f.mapFile(inode, BASE + 8 * HUGE, 1, PRIVATE, 0)).isEqualTo(-Errno.ENOMEM);
        touch(2);
        f.m.audit();
        assertThat(f.counts()).isEqualTo("8 6 0 0");
        inode.evict();
        assertThat(share.left()).isEqualTo(2);
    }

    @Test
    void withoutReservationTheTouchBeyondTheSizeIsASigbus() {
        HugetlbInode inode = inode(2, HugetlbSubpool.NONE);
        ok(f.mapFile(inode, BASE, 4, SHARED | MmapFlags.NORESERVE, 0));
        touch(2);
        expectSigbus(() -> f.cpu.store(BASE + 2 * HUGE, 1));
        assertThat(new HugetlbFileCalls(inode).allocate(0, 4 * HUGE, HUGE)).isEqualTo(-Errno.ENOSPC);
        f.m.audit();
    }

    @Test
    void whatIsAssuredIsReservedFromTheMountOn() {
        HugetlbInode inode = inode(HugetlbSubpool.NONE, 3);
        assertThat(f.counts()).isEqualTo("8 8 3 0");
        assertThat(f.map(6, HugetlbFixture.PRIVATE)).isEqualTo(-Errno.ENOMEM);
        ok(f.mapFile(inode, BASE, 5, SHARED, 0));
        assertThat(f.counts()).as("three of five were promised before").isEqualTo("8 8 5 0");
        touch(5);
        assertThat(f.counts()).isEqualTo("8 3 0 0");
        f.m.audit();
        ok(f.m.munmap(BASE, 5 * HUGE));
        inode.evict();
        assertThat(f.counts()).isEqualTo("8 8 3 0");
        assertThat(share.kept()).isEqualTo(3);
    }

    @Test
    void moreThanThePoolHasCannotBeAssured() {
        assertThat(HugetlbSubpool.make(f.pool, HugetlbSubpool.NONE, 9)).isNull();
        assertThat(f.counts()).isEqualTo("8 8 0 0");
        inode(4, 2);
    }

    @Test
    void privateCopiesCountAndComeBackWhenUnmapped() {
        HugetlbInode inode = inode(3, 1);
        ok(f.mapFile(inode, BASE, 3, PRIVATE, 0));
        touch(3);
        assertThat(share.left()).isZero();
        f.m.audit();
        ok(f.m.munmap(BASE, 3 * HUGE));
        assertThat(share.left()).isEqualTo(3);
        assertThat(f.counts()).isEqualTo("8 8 1 0");
    }

    @Test
    void whatAMountThatIsGoneWasAssuredGoesWithItsLastPage() {
        HugetlbInode inode = inode(4, 2);
        ok(f.mapFile(inode, BASE, 1, SHARED, 0));
        touch(1);
        share.retire();
        assertThat(f.counts()).isEqualTo("8 7 1 0");
        f.m.audit();
        ok(f.m.munmap(BASE, HUGE));
        inode.evict();
        assertThat(f.counts()).isEqualTo("8 8 0 0");
    }

    @Test
    void nothingIsLostWhileMappingsComeAndGo() throws Exception {
        HugetlbInode one = inode(4, 2);
        HugetlbInode two = new HugetlbInode(f.pool, share, 8 * HUGE);
        ModelCpu cpu = f.m.newCpu(f.m.mm);
        Race.run(
                Race.ROUNDS / 20,
                round -> {},
                round -> f.m.audit(),
                round -> use(f.cpu, one, BASE, SHARED),
                round -> use(cpu, two, BASE + 16 * HUGE, round % 2 == 0 ? PRIVATE : SHARED | MmapFlags.NORESERVE));
        one.evict();
        two.evict();
        assertThat(share.left()).isEqualTo(4);
        assertThat(f.counts()).isEqualTo("8 8 2 0");
    }

    private void use(ModelCpu cpu, HugetlbInode inode, long at, int flags) {
        if (f.m.sys
                        .mmap()
                        .doMmap(
                                f.m.mm,
                                cpu.ctx,
                                at,
                                3 * HUGE,
                                HugetlbFixture.RW,
                                flags | MmapFlags.FIXED,
                                new OpenHugeFile(inode),
                                0)
                < 0) {
            return;
        }
        for (int i = 0; i < 3; i++) {
            try {
                cpu.store(at + i * HUGE, i);
            } catch (ModelCpu.Signal e) {
                assertThat(e.signo).isEqualTo(7);
            }
        }
        ok(f.m.munmap(at, 3 * HUGE));
        new HugetlbFileCalls(inode).truncate(0);
        new HugetlbFileCalls(inode).truncate(8 * HUGE);
    }
}
