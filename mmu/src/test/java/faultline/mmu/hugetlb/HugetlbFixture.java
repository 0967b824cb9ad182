package faultline.mmu.hugetlb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import faultline.mmu.fault.ModelCpu;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.system.MmFixture;

/** A machine with a pool of some huge pages; closing it looks that all of them are free and can be given back. */
final class HugetlbFixture implements AutoCloseable {
    static final long HUGE = 2L << 20;
    static final long BASE = MmFixture.BASE;
    static final int RW = MmFixture.RW;
    static final int PRIVATE = MmFixture.ANON | MmapFlags.HUGETLB;
    static final int SHARED = MmapFlags.SHARED | MmapFlags.ANONYMOUS | MmapFlags.HUGETLB;

    final MmFixture m = new MmFixture();
    final HugetlbPool pool = m.sys.hugetlb().huge();
    final ModelCpu cpu = m.cpu;

    HugetlbFixture(long pages) {
        pool.resize(pages);
        assertThat(pool.total()).isEqualTo(pages);
    }

    /** Maps {@code pages} huge pages at {@link #BASE}; flags without FIXED. @return the address or -errno */
    long map(int pages, int flags) {
        return m.mmap(BASE, pages * HUGE, RW, flags | MmapFlags.FIXED);
    }

    /** Maps a file, open for reading and writing, at a place. */
    long mapFile(HugetlbInode inode, long at, int pages, int flags, int firstPage) {
        OpenHugeFile file = new OpenHugeFile(inode);
        return m.sys.mmap().doMmap(m.mm, m.ctx, at, pages * HUGE, RW, flags | MmapFlags.FIXED, file, firstPage * 512L);
    }

    HugetlbInode inode(int pages) {
        return new HugetlbInode(pool, pages * HUGE);
    }

    MmStruct fork() {
        MmStruct child = m.newMm(MmLimits.ROOT);
        assertThat(m.sys.fork().dupMmap(child, m.mm, m.ctx)).isZero();
        return child;
    }

    /** {@code "total free reserved surplus"} */
    String counts() {
        return pool.total() + " " + pool.free() + " " + pool.reserved() + " " + pool.surplus();
    }

    static void expectSigbus(Runnable access) {
        assertThatThrownBy(access::run)
                .isInstanceOfSatisfying(
                        ModelCpu.Signal.class,
                        signal -> assertThat(signal.signo).isEqualTo(7));
    }

    @Override
    public void close() {
        m.audit();
        m.sys.mms().forEach(m.sys::exitMmap);
        pool.inodes().forEach(HugetlbInode::evict);
        assertThat(pool.free()).isEqualTo(pool.total());
        assertThat(pool.reserved()).isZero();
        m.audit();
        pool.resize(0);
        assertThat(pool.total()).isZero();
        m.close();
    }
}
