package faultline.mmu.rmap;

import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.PAGE;
import static faultline.mmu.system.MmFixture.RW;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.fault.MemoryFile;
import faultline.mmu.fault.SharedMemory;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.file.MappedFile;
import faultline.mmu.lock.SpinLock;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.RemapMode;
import faultline.mmu.mm.Vma;
import faultline.mmu.system.MemoryConfig;
import faultline.mmu.system.MmFixture;
import faultline.mmu.tlb.AddressSpaceTlb;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Reclaim of pages that stand out of order: whichever come under the cursor, and each only when it was not used. */
@Timeout(60)
class NonlinearUnmapTest {
    private static final int SHARED = MmapFlags.SHARED | MmapFlags.FIXED;
    private static final int CLUSTER = 32;
    private static final int RAM_PAGES = 2048;

    private final MmFixture m = new MmFixture(
            MemoryConfig.defaults()
                    .withMemBytes(RAM_PAGES * PAGE)
                    .withSwapBytes(8 * RAM_PAGES * PAGE)
                    .withRemap(RemapMode.NONLINEAR),
            MmLimits.ROOT);

    @AfterEach
    void close() {
        m.close();
    }

    /** Maps a file backwards, all its pages being present and not used since. */
    private Vma backwards(MmStruct mm, MappedFile file, long at, int pages) {
        MmFixture.ok(m.sys.mmap().doMmap(mm, m.ctx, at, pages * PAGE, RW, SHARED, file, 0));
        for (int i = 0; i < pages; i++) {
            long result = m.sys.remapFilePages().run(mm, m.ctx, at + i * PAGE, PAGE, 0, pages - 1 - i, 0);
            assertThat(result).isZero();
        }
        unmapOnce(file, 0);
        return mm.vmas().lookup(at);
    }

    /** As reclaim does with one page of the file that it wants. */
    private void unmapOnce(MappedFile file, long index) {
        long pfn = file.mapping().findPage(index);
        m.sys.cache().lockPage(pfn);
        new TryToUnmap(m.sys.tables(), m.sys.faultEnv().rmap(), m.sys.swap()).tryToUnmap(pfn);
        m.sys.cache().unlockPage(pfn);
        m.sys.phys().allocator().putPage(pfn);
    }

    private long resident(MmStruct mm) {
        return mm.rss(MmStruct.FILEPAGES) + mm.rss(MmStruct.SHMEMPAGES);
    }

    @Test
    void eachCallUnmapsAClusterAndTheNextGoesOnBehindIt() {
        MemoryFile file = m.file(4 * CLUSTER);
        Vma area = backwards(m.mm, file, BASE, 4 * CLUSTER);
        for (int call = 1; call <= 4; call++) {
            unmapOnce(file, 0);
            assertThat(resident(m.mm)).isEqualTo((4 - call) * CLUSTER);
            assertThat(area.sharedNode().cursor()).isEqualTo(call * CLUSTER * PAGE);
        }
        for (int i = 0; i < 4 * CLUSTER; i++) {
            assertThat(m.cpu.load(BASE + i * PAGE)).isEqualTo(4 * CLUSTER - i & 0xff);
        }
    }

    @Test
    void pagesUsedSinceTheLastTimeStayOnce() {
        MemoryFile file = m.file(CLUSTER);
        backwards(m.mm, file, BASE, CLUSTER);
        m.mm.tlb().flushAll();
        m.cpu.load(BASE + 3 * PAGE);
        m.cpu.load(BASE + 9 * PAGE);
        unmapOnce(file, 0);
        assertThat(resident(m.mm)).isEqualTo(2);
        unmapOnce(file, CLUSTER - 1 - 3);
        unmapOnce(file, CLUSTER - 1 - 3);
        assertThat(resident(m.mm)).isZero();
    }

    @Test
    void mappingsAreLookedThroughTogether() {
        MemoryFile file = m.file(2 * CLUSTER);
        Vma one = backwards(m.mm, file, BASE, 2 * CLUSTER);
        Vma two = backwards(m.mm, file, BASE + 1000 * PAGE, 2 * CLUSTER);
        // The first call ages what the second mapping's set-up left young, so that all is old.
        m.mm.tlb().flushAll();
        unmapOnce(file, 0);
        assertThat(one.sharedNode().cursor()).isLessThanOrEqualTo(2 * CLUSTER * PAGE);
        while (resident(m.mm) != 0) {
            unmapOnce(file, 0);
            long apart = Math.abs(one.sharedNode().cursor() - two.sharedNode().cursor());
            assertThat(apart).isLessThanOrEqualTo(CLUSTER * PAGE);
        }
    }

    @Test
    void theTailOfAMappingThatBeginsWithinAClusterIsReachedToo() {
        MemoryFile file = m.file(2 * CLUSTER);
        backwards(m.mm, file, BASE + 5 * PAGE, 2 * CLUSTER);
        for (int call = 0; call < 3; call++) {
            unmapOnce(file, 0); // which the very last entry shows
        }
        assertThat(resident(m.mm)).isZero();
    }

    @Test
    void aLockedMappingKeepsItsPages() {
        MemoryFile file = m.file(CLUSTER);
        backwards(m.mm, file, BASE, CLUSTER);
        assertThat(m.sys.mlock().mlock(m.mm, m.ctx, BASE, CLUSTER * PAGE)).isZero();
        unmapOnce(file, 0);
        unmapOnce(file, 0);
        assertThat(resident(m.mm)).isEqualTo(CLUSTER);
    }

    /** Whoever wants the lock gets it in the middle, unless the host lets him sleep for too long: then not each time. */
    @Test
    void whoWaitsForTheMappingsComesInBeforeTheNextPass() throws Exception {
        boolean cameIn = false;
        for (int attempt = 0; attempt < 50 && !cameIn; attempt++) {
            cameIn = comesInWhileClustersAreUnmapped();
        }
        assertThat(cameIn).isTrue();
    }

    /**
     * A processor's flush happens in the midst of the first cluster: then somebody comes who wants the mappings' lock.
     */
    private boolean comesInWhileClustersAreUnmapped() throws Exception {
        int pages = 64 * CLUSTER;
        MemoryFile file = m.file(CLUSTER);
        SpinLock lock = file.mapping().areas().lock();
        long[] seen = {-1};
        MmStruct[] other = new MmStruct[1];
        Thread contender = new Thread(() -> {
            lock.lock();
            seen[0] = resident(other[0]);
            lock.unlock();
        });
        other[0] = m.sys.newMm(
                new AddressSpaceTlb() {
                    @Override
                    public void flushPage(long addr) {
                        if (contender.getState() == Thread.State.NEW && other[0] != null) {
                            contender.start();
                            while (!lock.isContended()) {
                                Thread.onSpinWait();
                            }
                        }
                    }

                    @Override
                    public void flushRange(long start, long end) {
                        // no translations are kept
                    }

                    @Override
                    public void flushAll() {
                        // no translations are kept
                    }
                },
                MmLimits.ROOT);
        MmFixture.ok(m.sys.mmap().doMmap(other[0], m.ctx, BASE, pages * PAGE, RW, SHARED, file, 0));
        for (int i = 0; i < pages; i += CLUSTER) {
            assertThat(m.sys.remapFilePages().run(other[0], m.ctx, BASE + i * PAGE, CLUSTER * PAGE, 0, 0, 0))
                    .isZero();
        }
        int before = (int) resident(other[0]);
        assertThat(before).isEqualTo(pages);
        unmapOnce(file, 1); // none is unmapped, all are aged
        unmapOnce(file, 1); // the page has 64 mappings: two clusters
        unmapOnce(file, 2);
        contender.join();
        assertThat((before - seen[0]) % CLUSTER).as("between clusters").isZero();
        long after = resident(other[0]);
        m.sys.exitMmap(other[0]);
        return seen[0] < before && seen[0] > after;
    }

    // ---- whole machines' worth of pages

    @Test
    void aFileOfTwiceTheMemoryShownOutOfOrderIsReadRight() {
        int pages = 2 * RAM_PAGES;
        readAll(m.file(pages), pages, 1);
        assertThat(m.sys.reclaimer().stolen()).isGreaterThan(RAM_PAGES);
    }

    @Test
    void sharedMemoryOfTwiceTheMemoryShownOutOfOrderIsSwapped() {
        int pages = 2 * RAM_PAGES;
        SharedMemory memory = new SharedMemory(AddressSpace.shmem(m.sys.cache(), pages * PAGE));
        readAll(memory, pages, 0);
        assertThat(m.sys.swap().pagesOut()).isGreaterThan(RAM_PAGES);
        assertThat(memory.mapping().swappedPages(0, memory.mapping().sizePages()))
                .isPositive();
        memory.mapping().truncate(0);
    }

    /** Page i of the memory shows page i × 7 of the file, modulo its length. */
    private void readAll(MappedFile file, int pages, int first) {
        MmFixture.ok(m.sys.mmap().doMmap(m.mm, m.ctx, BASE, pages * PAGE, RW, SHARED, file, 0));
        for (int i = 0; i < pages; i++) {
            long at = BASE + i * PAGE;
            assertThat(m.sys.remapFilePages().run(m.mm, m.ctx, at, PAGE, 0, i * 7 % pages, MmapFlags.NONBLOCK))
                    .isZero();
        }
        assertThat(m.mm.vmas().size()).isEqualTo(1);
        for (int i = 0; i < pages; i++) {
            assertThat(m.cpu.load(BASE + i * PAGE)).isEqualTo(first * (i * 7 % pages + 1) & 0xff);
            m.cpu.store(BASE + i * PAGE + 8, i & 0xff);
        }
        m.audit();
        for (int i = 0; i < pages; i++) {
            assertThat(m.cpu.load(BASE + i * PAGE + 8)).isEqualTo(i & 0xff);
        }
    }
}
