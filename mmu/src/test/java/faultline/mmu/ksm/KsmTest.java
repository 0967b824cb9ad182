package faultline.mmu.ksm;

import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.PAGE;
import static faultline.mmu.system.MmFixture.ok;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.Errno;
import faultline.mmu.mm.Madv;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.Prot;
import faultline.mmu.system.MmFixture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Same-page merging, the scanner's turns given by hand. */
class KsmTest {
    private static final long ALL = 1 << 20;

    private MmFixture m;
    private Ksm ksm;

    @BeforeEach
    void boot() {
        m = new MmFixture();
        ksm = m.sys.ksm();
        ksm.knobs().setPagesToScan(ALL);
        ksm.knobs().setSmartScan(false);
        ksm.setRun(KsmKnobs.MERGE);
    }

    @AfterEach
    void shutDown() {
        m.close();
    }

    private void mapMergeable(long address, int pages, int value) {
        m.map(address, pages);
        for (int i = 0; i < pages; i++) {
            m.cpu.store(address + i * PAGE, value);
        }
        ok(m.madvise(address, pages * PAGE, Madv.MERGEABLE));
    }

    /** Three passes: to see that nothing changes, to merge with what was merged in the second, and one to spare. */
    private void passes() {
        for (int i = 0; i < 3; i++) {
            ksm.scan();
        }
    }

    private long frames() {
        return m.sys.phys().allocator().freeFrames();
    }

    private void expectCounts(long shared, long sharing, long unshared) {
        assertThat(ksm.pagesShared()).as("pages_shared").isEqualTo(shared);
        assertThat(ksm.pagesSharing()).as("pages_sharing").isEqualTo(sharing);
        assertThat(ksm.pagesUnshared()).as("pages_unshared").isEqualTo(unshared);
        m.audit();
    }

    @Test
    void equalPagesBecomeOneAndTheRestIsFree() {
        mapMergeable(BASE, 8, 7);
        long before = frames();
        passes();
        expectCounts(1, 7, 0);
        assertThat(frames() - before).isEqualTo(7);
        assertThat(m.cpu.load(BASE + 5 * PAGE)).isEqualTo(7);
        assertThat(m.mm.rss(MmStruct.ANONPAGES)).isEqualTo(8);
        assertThat(ksm.mergingPages(m.mm)).isEqualTo(8);
        assertThat(ksm.generalProfit()).isEqualTo(7 * PAGE - 8 * 64);
    }

    @Test
    void nothingIsMergedInTheFirstPassNorOutsideMergeableAreas() {
        mapMergeable(BASE, 2, 7);
        m.map(BASE + 16 * PAGE, 1);
        m.cpu.store(BASE + 16 * PAGE, 7);
        ksm.scan();
        expectCounts(0, 0, 0);
        assertThat(ksm.pagesVolatile()).isEqualTo(2);
        passes();
        expectCounts(1, 1, 0);
    }

    @Test
    void aStoreCopiesAndTheOthersKeepTheirContent() {
        mapMergeable(BASE, 4, 7);
        passes();
        m.cpu.store(BASE + PAGE, 9);
        assertThat(m.cpu.load(BASE + PAGE)).isEqualTo(9);
        assertThat(m.cpu.load(BASE)).isEqualTo(7);
        passes();
        expectCounts(1, 2, 1);
    }

    @Test
    void theLastPlaceToShareAPageIsCopiedToo() {
        mapMergeable(BASE, 2, 7);
        passes();
        m.cpu.store(BASE, 8);
        m.cpu.store(BASE + PAGE, 9);
        passes();
        expectCounts(0, 0, 2);
    }

    @Test
    void differentPagesStayUnshared() {
        m.map(BASE, 4);
        m.fill(BASE, 4, 1);
        ok(m.madvise(BASE, 4 * PAGE, Madv.MERGEABLE));
        passes();
        expectCounts(0, 0, 4);
    }

    @Test
    void pagesThatChangeBetweenPassesAreVolatile() {
        mapMergeable(BASE, 2, 0);
        for (int i = 1; i < 4; i++) {
            m.cpu.store(BASE, i);
            m.cpu.store(BASE + PAGE, i);
            ksm.scan();
        }
        expectCounts(0, 0, 0);
        assertThat(ksm.pagesVolatile()).isEqualTo(2);
    }

    @Test
    void unmergeableAdviceGivesEachPlaceAPageOfItsOwn() {
        mapMergeable(BASE, 4, 7);
        passes();
        long before = frames();
        ok(m.madvise(BASE, 4 * PAGE, Madv.UNMERGEABLE));
        assertThat(before - frames()).isEqualTo(3);
        passes();
        expectCounts(0, 0, 0);
        assertThat(m.cpu.load(BASE + 3 * PAGE)).isEqualTo(7);
    }

    @Test
    void unmergingAllForgetsEverything() {
        mapMergeable(BASE, 4, 7);
        passes();
        assertThat(ksm.setRun(KsmKnobs.UNMERGE)).isZero();
        expectCounts(0, 0, 0);
        assertThat(ksm.pagesVolatile()).isZero();
        ksm.scan();
        expectCounts(0, 0, 0);
        assertThat(ksm.setRun(KsmKnobs.MERGE)).isZero();
        passes();
        expectCounts(1, 3, 0);
    }

    @Test
    void aPageIsSharedByNoMoreThanIsAllowed() {
        assertThat(ksm.setMaxPageSharing(2)).isZero();
        mapMergeable(BASE, 6, 7);
        passes();
        passes();
        expectCounts(3, 3, 0);
        assertThat(ksm.stableNodeChains()).isEqualTo(1);
        assertThat(ksm.stableNodeDups()).isEqualTo(3);
        assertThat(ksm.setMaxPageSharing(4)).isEqualTo(-Errno.EBUSY);
        assertThat(ksm.setMaxPageSharing(1)).isEqualTo(-Errno.EINVAL);
    }

    @Test
    void addressSpacesShareWithEachOther() {
        mapMergeable(BASE, 2, 7);
        MmStruct child = m.newMm(MmLimits.ROOT);
        ok(m.sys.fork().dupMmap(child, m.mm, m.ctx));
        passes();
        expectCounts(1, 3, 0);
        m.sys.exitMmap(child);
        passes();
        expectCounts(1, 1, 0);
    }

    @Test
    void forkSharesSharedPagesAndAStoreOfTheChildsCopies() {
        mapMergeable(BASE, 2, 7);
        passes();
        MmStruct child = m.newMm(MmLimits.ROOT);
        ok(m.sys.fork().dupMmap(child, m.mm, m.ctx));
        m.newCpu(child).store(BASE, 9);
        assertThat(m.cpu.load(BASE)).isEqualTo(7);
        m.cpu.store(BASE, 8);
        m.cpu.store(BASE + PAGE, 8);
        m.audit();
        passes();
        m.audit();
    }

    @Test
    void unmappingTakesPlacesAway() {
        mapMergeable(BASE, 4, 7);
        passes();
        ok(m.munmap(BASE, 2 * PAGE));
        passes();
        expectCounts(1, 1, 0);
        ok(m.munmap(BASE + 2 * PAGE, 2 * PAGE));
        passes();
        expectCounts(0, 0, 0);
        assertThat(ksm.hasWork()).isFalse();
    }

    @Test
    void moveTakesPagesOutOfSharingAndTheScannerSharesThemAgain() {
        mapMergeable(BASE, 4, 7);
        passes();
        ok(m.mremap(BASE, 4 * PAGE, 4 * PAGE, MmapFlags.MREMAP_MAYMOVE | MmapFlags.MREMAP_FIXED, BASE + 32 * PAGE));
        assertThat(m.cpu.load(BASE + 33 * PAGE)).isEqualTo(7);
        m.audit();
        passes();
        expectCounts(1, 3, 0);
    }

    @Test
    void readOnlyMappingsAreSharedAndUnshared() {
        mapMergeable(BASE, 4, 7);
        ok(m.mprotect(BASE, 4 * PAGE, Prot.READ));
        passes();
        expectCounts(1, 3, 0);
        ok(m.madvise(BASE, 4 * PAGE, Madv.UNMERGEABLE));
        ok(m.mprotect(BASE, 4 * PAGE, MmFixture.RW));
        m.cpu.store(BASE, 8);
        assertThat(m.cpu.load(BASE + PAGE)).isEqualTo(7);
        m.audit();
    }

    @Test
    void sharedPagesAreOnNoListOfReclaimAndStay() {
        mapMergeable(BASE, 4, 7);
        passes();
        ok(m.madvise(BASE, 4 * PAGE, Madv.PAGEOUT));
        expectCounts(1, 3, 0);
        assertThat(m.mm.rss(MmStruct.ANONPAGES)).isEqualTo(4);
    }

    @Test
    void lockedMappingsShareToo() {
        mapMergeable(BASE, 4, 7);
        ok(m.sys.mlock().mlock(m.mm, m.ctx, BASE, 4 * PAGE));
        passes();
        expectCounts(1, 3, 0);
        ok(m.munmap(BASE, 2 * PAGE));
        m.audit();
    }

    @Test
    void smartScanLeavesOutLooksThatWouldBeInVain() {
        ksm.knobs().setSmartScan(true);
        mapMergeable(BASE, 1, 7);
        for (int i = 0; i < 20; i++) {
            ksm.scan();
        }
        assertThat(ksm.fullScans()).isEqualTo(20);
        assertThat(ksm.pagesSkipped()).isGreaterThan(10);
        ksm.knobs().setSmartScan(false);
        long before = ksm.pagesSkipped();
        passes();
        assertThat(ksm.pagesSkipped()).isEqualTo(before);
    }

    @Test
    void advanceIsByAsManyPagesAsAreToBeScanned() {
        ksm.knobs().setPagesToScan(3);
        mapMergeable(BASE, 8, 7);
        ksm.scan();
        ksm.scan();
        assertThat(ksm.pagesScanned()).isEqualTo(6);
        assertThat(ksm.fullScans()).isZero();
        ksm.scan();
        assertThat(ksm.fullScans()).isEqualTo(1);
    }

    @Test
    void anEndedAddressSpaceIsForgotten() {
        MmStruct child = m.newMm(MmLimits.ROOT);
        mapMergeable(BASE, 2, 7);
        ok(m.sys.fork().dupMmap(child, m.mm, m.ctx));
        passes();
        m.sys.exitMmap(child);
        ok(m.munmap(BASE, 2 * PAGE));
        passes();
        assertThat(ksm.hasWork()).isFalse();
        expectCounts(0, 0, 0);
    }

    @Test
    void hugePagesAreSplitWhereTheyEqualOthers() {
        long pages = MmLayout.PMD_SIZE / PAGE;
        assertThat(ksm.setMaxPageSharing(pages)).isZero();
        m.map(BASE, (int) pages);
        ok(m.madvise(BASE, MmLayout.PMD_SIZE, Madv.HUGEPAGE));
        for (int i = 0; i < pages; i++) {
            m.cpu.store(BASE + i * PAGE, 7);
        }
        long before = frames();
        ok(m.madvise(BASE, MmLayout.PMD_SIZE, Madv.MERGEABLE));
        passes();
        expectCounts(1, pages - 1, 0);
        assertThat(frames() - before).isEqualTo(pages - 1);
        assertThat(m.cpu.load(BASE + 99 * PAGE)).isEqualTo(7);
    }

    @Test
    void theKernelsStoresCopyToo() {
        mapMergeable(BASE, 2, 7);
        passes();
        byte[] nine = {9};
        assertThat(m.sys.userMemory().copyToUser(m.mm, m.ctx, BASE, nine, 0, 1)).isZero();
        assertThat(m.cpu.load(BASE)).isEqualTo(9);
        assertThat(m.cpu.load(BASE + PAGE)).isEqualTo(7);
        m.audit();
    }

    @Test
    void whatIsAskedForAllMappingsIsInheritedAndEndsForAll() {
        m.map(BASE, 2);
        assertThat(ksm.setMergeAny(m.mm, true)).isZero();
        m.map(BASE + 16 * PAGE, 2);
        MmStruct child = m.newMm(MmLimits.ROOT);
        ok(m.sys.fork().dupMmap(child, m.mm, m.ctx));
        assertThat(ksm.mergesAny(child)).isTrue();
        m.cpu.store(BASE, 7);
        m.cpu.store(BASE + 16 * PAGE, 7);
        passes();
        expectCounts(1, 1, 0);
        assertThat(ksm.setMergeAny(m.mm, false)).isZero();
        passes();
        expectCounts(0, 0, 0);
        assertThat(ksm.isMergeable(m.mm)).isFalse();
    }

    @Test
    void wrongSettingsAreRefused() {
        assertThat(ksm.setRun(3)).isEqualTo(-Errno.EINVAL);
        assertThat(ksm.setRun(-1)).isEqualTo(-Errno.EINVAL);
    }
}
