package faultline.mmu.rmap;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.fault.FaultFixture;
import faultline.mmu.fault.FaultPath;
import faultline.mmu.fault.MemoryFile;
import faultline.mmu.fault.ModelCpu;
import faultline.mmu.fault.Race;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.table.Pte;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class TryToUnmapTest {
    private static final long BASE = FaultFixture.BASE;
    private FaultFixture f;
    private MemorySwap swap;
    private MmStruct mm;
    private ModelCpu cpu;

    @BeforeEach
    void setUp() {
        f = new FaultFixture();
        swap = new MemorySwap(f);
        mm = f.newMm();
        cpu = f.newCpu(mm);
    }

    @AfterEach
    void tearDown() {
        for (MmStruct space : f.mms) {
            for (Vma vma = space.vmas().first(); vma != null; vma = space.vmas().first()) {
                f.unmap(vma);
            }
        }
        assertThat(swap.slotsInUse()).isZero();
        f.close();
    }

    private long frameAt(MmStruct space, long address) {
        return Pte.pfn(f.pte(space, address));
    }

    @Test
    void swappedOutPageComesBackWithItsContentAsAMajorFault() {
        f.mapAnon(mm, BASE, 1, FaultFixture.RW);
        cpu.store(BASE + 9, 77);

        assertThat(swap.swapOut(frameAt(mm, BASE))).isTrue();

        assertThat(Pte.isSwap(f.pte(mm, BASE))).isTrue();
        assertThat(mm.rss(MmStruct.ANONPAGES)).isZero();
        assertThat(mm.rss(MmStruct.SWAPENTS)).isEqualTo(1);
        assertThat(cpu.load(BASE + 9)).isEqualTo(77);
        assertThat(cpu.ctx.majFlt).isEqualTo(1);
        assertThat(cpu.ctx.path).isEqualTo(FaultPath.SWAP_IN);
        assertThat(mm.rss(MmStruct.SWAPENTS)).isZero();
    }

    @Test
    void pageOfOneMappingSwappedInByReadingIsWrittenInPlaceAfterwards() {
        f.mapAnon(mm, BASE, 1, FaultFixture.RW);
        cpu.store(BASE, 1);
        swap.swapOut(frameAt(mm, BASE));
        cpu.load(BASE);
        long pfn = frameAt(mm, BASE);

        cpu.store(BASE, 2);

        assertThat(cpu.ctx.path).isEqualTo(FaultPath.COW_REUSE);
        assertThat(frameAt(mm, BASE)).isEqualTo(pfn);
    }

    @Test
    void pageSharedByForkIsUnmappedFromBothAndEachKeepsItsOwnAfterWriting() {
        Vma vma = f.mapAnon(mm, BASE, 1, FaultFixture.RW);
        cpu.store(BASE, 5);
        MmStruct child = f.newMm();
        f.fork(vma, child, cpu.ctx);
        ModelCpu inChild = f.newCpu(child);

        assertThat(swap.swapOut(frameAt(mm, BASE))).isTrue();
        assertThat(Pte.isSwap(f.pte(child, BASE))).isTrue();
        inChild.store(BASE, 6);

        assertThat(cpu.load(BASE)).isEqualTo(5);
        assertThat(inChild.load(BASE)).isEqualTo(6);
    }

    /** The child's entry maps the page by now, so no swap entry tells the parent that the page is shared. */
    @Test
    void aPageThatTheChildHasReadBackIsCopiedWhenTheParentWrites() {
        Vma vma = f.mapAnon(mm, BASE, 1, FaultFixture.RW);
        cpu.store(BASE, 5);
        MmStruct child = f.newMm();
        f.fork(vma, child, cpu.ctx);
        ModelCpu inChild = f.newCpu(child);
        assertThat(swap.swapOut(frameAt(mm, BASE))).isTrue();

        assertThat(inChild.load(BASE)).isEqualTo(5);
        cpu.store(BASE, 6);

        assertThat(inChild.load(BASE)).isEqualTo(5);
        assertThat(cpu.load(BASE)).isEqualTo(6);
    }

    @Test
    void forkOfASwappedOutPageSharesTheSlot() {
        Vma vma = f.mapAnon(mm, BASE, 1, FaultFixture.RW);
        cpu.store(BASE, 5);
        swap.swapOut(frameAt(mm, BASE));
        MmStruct child = f.newMm();
        f.fork(vma, child, cpu.ctx);
        ModelCpu inChild = f.newCpu(child);

        assertThat(child.rss(MmStruct.SWAPENTS)).isEqualTo(1);
        inChild.store(BASE, 6);
        assertThat(cpu.load(BASE)).isEqualTo(5);
        cpu.store(BASE, 7);
        assertThat(inChild.load(BASE)).isEqualTo(6);
        assertThat(cpu.load(BASE)).isEqualTo(7);
    }

    @Test
    void pageOfALockedMappingStays() {
        f.mapAnon(mm, BASE, 1, FaultFixture.RW | VmFlags.LOCKED);
        cpu.store(BASE, 5);

        assertThat(swap.swapOut(frameAt(mm, BASE))).isFalse();

        assertThat(Pte.isPresent(f.pte(mm, BASE))).isTrue();
        assertThat(f.phys.frames().test(frameAt(mm, BASE), PageFlags.MLOCKED)).isTrue();
    }

    @Test
    void filePageIsUnmappedEverywhereAndItsDirtReachesTheFile() {
        MemoryFile file = new MemoryFile(f.cache, 4);
        MmStruct other = f.newMm();
        f.mapFile(mm, BASE, 4, FaultFixture.SHARED_RW, file, 0);
        f.mapFile(other, BASE + Page.PMD_SIZE, 2, FaultFixture.RO, file, 2);
        ModelCpu reader = f.newCpu(other);
        cpu.store(BASE + 3 * Page.SIZE, 44);
        reader.load(BASE + Page.PMD_SIZE + Page.SIZE);
        long pfn = frameAt(mm, BASE + 3 * Page.SIZE);
        assertThat(f.phys.frames().mapcount(pfn)).isEqualTo(2);

        f.cache.lockPage(pfn);
        boolean unmapped = new TryToUnmap(f.tables, f.rmap, swap).tryToUnmap(pfn);
        f.cache.unlockPage(pfn);

        assertThat(unmapped).isTrue();
        assertThat(f.pte(other, BASE + Page.PMD_SIZE + Page.SIZE)).isZero();
        file.mapping().writeback(0, Long.MAX_VALUE);
        assertThat(file.byteAt(3 * Page.SIZE)).isEqualTo((byte) 44);
    }

    @Test
    void pageIsReferencedOnceForEachMappingThatUsedItSinceItWasLastAsked() {
        Vma vma = f.mapAnon(mm, BASE, 1, FaultFixture.RW);
        cpu.store(BASE, 5);
        MmStruct child = f.newMm();
        f.fork(vma, child, cpu.ctx);
        long pfn = frameAt(mm, BASE);
        PageReferenced referenced = new PageReferenced(f.tables);
        f.cache.lockPage(pfn);

        referenced.count(pfn);
        assertThat(referenced.count(pfn)).isZero();
        f.newCpu(child).load(BASE);
        f.newCpu(mm).load(BASE);
        assertThat(referenced.count(pfn)).isEqualTo(2);
        assertThat(referenced.count(pfn)).isZero();
        f.cache.unlockPage(pfn);
    }

    @Test
    void incrementsAreNotLostWhileThePageIsSwappedOutAgainAndAgain() throws Exception {
        f.mapAnon(mm, BASE, 1, FaultFixture.RW);
        ModelCpu other = f.newCpu(mm);
        Race.run(
                Race.ROUNDS / 4,
                r -> {},
                r -> assertThat(cpu.increment(BASE)).isEqualTo((r + 1) * 40 + r),
                r -> repeat(20, () -> cpu.increment(BASE)),
                r -> repeat(20, () -> other.increment(BASE)),
                r -> repeat(3, this::swapOutIfPresent));
    }

    private void swapOutIfPresent() {
        mm.mmapLock().readLock();
        long pfn = new faultline.mmu.gup.FollowPage(f.env)
                .followPage(mm, BASE, faultline.mmu.gup.FollFlags.GET, new faultline.mmu.fault.FaultContext());
        mm.mmapLock().readUnlock();
        if (pfn >= 0) {
            swap.swapOut(pfn);
            f.phys.allocator().putPage(pfn);
        }
    }

    private static void repeat(int times, Runnable action) {
        for (int i = 0; i < times; i++) {
            action.run();
        }
    }
}
