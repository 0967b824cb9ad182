package faultline.mmu.system;

import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.PAGE;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.MemoryFile;
import faultline.mmu.fault.ModelCpu;
import faultline.mmu.fault.Race;
import faultline.mmu.mm.Madv;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.LruVec;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.table.Pte;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The lists that reclaim works through: what puts a page on which of them, and what of them goes. */
@Timeout(120)
class LruTest {
    private static final long RAM = 8L << 20;
    private static final int MOVE = MmapFlags.MREMAP_MAYMOVE | MmapFlags.MREMAP_FIXED;

    private static MmFixture machine(long swapBytes) {
        return new MmFixture(MemoryConfig.defaults().withMemBytes(RAM).withSwapBytes(swapBytes), MmLimits.ROOT);
    }

    private static long size(MmFixture f, int list) {
        f.sys.phys().allocator().drainLru();
        return frames(f).lru().size(list);
    }

    private static FrameTable frames(MmFixture f) {
        return f.sys.phys().frames();
    }

    private static long frameAt(MmFixture f, long address) {
        long pmd = f.sys.tables().walkToPmd(f.mm.pgd(), address);
        long entry = f.sys.phys().getLong(Pte.address(f.sys.phys().getLong(pmd)) + (address >>> 12 & 511) * 8);
        return Pte.pfn(entry);
    }

    /** Looks at all inactive pages once, as reclaim does that wants more than there is. */
    private static long reclaimAll(MmFixture f) {
        return f.sys.reclaimer().reclaim(10);
    }

    @Test
    void newPagesAreInactiveOnTheListOfTheirKind() {
        try (MmFixture f = machine(16L << 20)) {
            f.map(BASE, 40);
            f.fill(BASE, 40, 1);
            MemoryFile file = f.file(24);
            MmFixture.ok(f.mmap(BASE + (1 << 20), 24 * PAGE, 1, MmapFlags.PRIVATE | MmapFlags.FIXED, file, 0));
            for (int i = 0; i < 24; i++) {
                f.cpu.load(BASE + (1 << 20) + i * PAGE);
            }
            assertThat(size(f, LruVec.INACTIVE_ANON)).isEqualTo(40);
            assertThat(size(f, LruVec.INACTIVE_FILE)).isEqualTo(24);
            assertThat(size(f, LruVec.ACTIVE_ANON) + size(f, LruVec.ACTIVE_FILE))
                    .isZero();
            f.audit();
            MmFixture.ok(f.munmap(BASE, 40 * PAGE));
            assertThat(size(f, LruVec.INACTIVE_ANON)).isZero();
        }
    }

    @Test
    void aPageUsedOnceIsKeptAndOneUsedTwiceBecomesActive() {
        try (MmFixture f = machine(16L << 20)) {
            f.map(BASE, 1);
            f.fill(BASE, 1, 1);
            long pfn = frameAt(f, BASE);
            assertThat(f.sys.reclaimer().reclaim(0))
                    .as("at first everything was used")
                    .isPositive();
            f.cpu.load(BASE);
            pfn = frameAt(f, BASE);
            frames(f).lru().markAccessed(pfn);
            assertThat(frames(f).test(pfn, PageFlags.ACTIVE)).isFalse();
            frames(f).lru().markAccessed(pfn);
            assertThat(frames(f).test(pfn, PageFlags.ACTIVE)).isTrue();
            assertThat(frames(f).test(pfn, PageFlags.REFERENCED)).isFalse();
            assertThat(size(f, LruVec.ACTIVE_ANON)).isEqualTo(1);
            f.audit();
        }
    }

    @Test
    void activePagesBecomeInactiveWhenThereAreMoreOfThem() {
        try (MmFixture f = machine(16L << 20)) {
            f.map(BASE, 256);
            f.fill(BASE, 256, 1);
            f.sys.phys().allocator().drainLru();
            for (int i = 0; i < 256; i++) {
                long pfn = frameAt(f, BASE + i * PAGE);
                frames(f).lru().markAccessed(pfn);
                frames(f).lru().markAccessed(pfn);
            }
            assertThat(size(f, LruVec.ACTIVE_ANON)).isEqualTo(256);
            f.mm.tlb().flushAll();
            assertThat(f.sys.reclaimer().reclaim(0)).isPositive();
            assertThat(frames(f).lru().deactivated()).isPositive();
            assertThat(size(f, LruVec.INACTIVE_ANON)).isPositive();
            f.audit();
            for (int i = 0; i < 256; i++) {
                assertThat(f.cpu.load(BASE + i * PAGE)).isEqualTo(i + 1 & 0xff);
            }
        }
    }

    @Test
    void lockedPagesAreUnevictableFromMlockToMunlock() {
        try (MmFixture f = machine(16L << 20)) {
            f.map(BASE, 64);
            f.fill(BASE, 64, 1);
            MmFixture.ok(f.sys.mlock().mlock(f.mm, f.ctx, BASE, 32 * PAGE));
            assertThat(size(f, LruVec.UNEVICTABLE)).isEqualTo(32);
            assertThat(size(f, LruVec.INACTIVE_ANON)).isEqualTo(32);
            long scanned = f.sys.reclaimer().scanned();
            reclaimAll(f);
            reclaimAll(f);
            assertThat(f.mm.rss(MmStruct.SWAPENTS)).isEqualTo(32);
            assertThat(f.sys.reclaimer().scanned() - scanned)
                    .as("locked pages are not looked at")
                    .isLessThan(32 * 8);
            MmFixture.ok(f.sys.mlock().munlock(f.mm, BASE, 8 * PAGE));
            assertThat(size(f, LruVec.UNEVICTABLE)).isEqualTo(24);
            MmFixture.ok(f.munmap(BASE + 8 * PAGE, 8 * PAGE));
            assertThat(size(f, LruVec.UNEVICTABLE)).isEqualTo(16);
            f.audit();
        }
    }

    @Test
    void aPageThatIsTouchedOrCopiedInALockedMappingIsUnevictable() {
        try (MmFixture f = machine(16L << 20)) {
            MemoryFile file = f.file(4);
            MmFixture.ok(f.mmap(BASE, 4 * PAGE, MmFixture.RW, MmapFlags.PRIVATE | MmapFlags.FIXED, file, 0));
            f.cpu.load(BASE);
            MmFixture.ok(f.sys.mlock().mlock2(f.mm, f.ctx, BASE, 4 * PAGE, 1));
            long ofFile = frameAt(f, BASE);
            assertThat(frames(f).test(ofFile, PageFlags.MLOCKED)).isTrue();
            f.cpu.store(BASE, 9);
            assertThat(frames(f).test(ofFile, PageFlags.MLOCKED)).isFalse();
            assertThat(frames(f).test(frameAt(f, BASE), PageFlags.MLOCKED)).isTrue();
            f.audit();
        }
    }

    @Test
    void aPageThatTwoMappingsLockIsUnevictableUntilBothHaveLetGo() {
        try (MmFixture f = machine(16L << 20)) {
            MemoryFile file = f.file(8);
            long other = BASE + (64L << 20);
            for (long at : new long[] {BASE, other}) {
                MmFixture.ok(f.mmap(at, 8 * PAGE, MmFixture.RW, MmapFlags.SHARED | MmapFlags.FIXED, file, 0));
                MmFixture.ok(f.sys.mlock().mlock(f.mm, f.ctx, at, 8 * PAGE));
            }
            assertThat(size(f, LruVec.UNEVICTABLE)).isEqualTo(8);
            MmFixture.ok(f.sys.mlock().munlock(f.mm, BASE, 4 * PAGE));
            MmFixture.ok(f.munmap(BASE + 4 * PAGE, 4 * PAGE));
            assertThat(size(f, LruVec.UNEVICTABLE)).isEqualTo(8);
            MmFixture.ok(f.sys.mlock().munlock(f.mm, other, 4 * PAGE));
            assertThat(size(f, LruVec.UNEVICTABLE)).isEqualTo(4);
            MmFixture.ok(f.munmap(other + 4 * PAGE, 4 * PAGE));
            assertThat(size(f, LruVec.UNEVICTABLE)).isZero();
            f.audit();
        }
    }

    @Test
    void aPageGivenUpIsOnTheListOfFilesAndGoesWithoutSwap() {
        try (MmFixture f = machine(0)) {
            f.map(BASE, 64);
            f.fill(BASE, 64, 1);
            MmFixture.ok(f.sys.madvise().run(f.mm, f.ctx, BASE, 64 * PAGE, Madv.FREE));
            assertThat(size(f, LruVec.INACTIVE_FILE)).isEqualTo(64);
            f.cpu.store(BASE, 77);
            f.audit();
            reclaimAll(f);
            assertThat(f.mm.rss(MmStruct.ANONPAGES)).isEqualTo(1);
            assertThat(f.cpu.load(BASE)).isEqualTo(77);
            assertThat(f.cpu.load(BASE + PAGE)).isZero();
            assertThat(size(f, LruVec.INACTIVE_ANON) + size(f, LruVec.ACTIVE_ANON))
                    .as("written again, it goes to swap again")
                    .isEqualTo(1);
        }
    }

    @Test
    void aHugePageCountsForAllItsFramesAlsoWhenItIsSplit() {
        try (MmFixture f = new MmFixture(
                MemoryConfig.defaults().withMemBytes(32L << 20).withSwapBytes(32L << 20), MmLimits.ROOT)) {
            f.map(BASE, 1024);
            MmFixture.ok(f.sys.madvise().run(f.mm, f.ctx, BASE, 1024 * PAGE, Madv.HUGEPAGE));
            f.cpu.store(BASE, 1);
            f.cpu.store(BASE + 512 * PAGE, 2);
            assertThat(size(f, LruVec.INACTIVE_ANON)).isEqualTo(1024);
            MmFixture.ok(f.munmap(BASE, PAGE));
            assertThat(size(f, LruVec.INACTIVE_ANON)).isEqualTo(1023);
            f.audit();
            f.mm.tlb().flushAll();
            reclaimAll(f);
            f.audit();
            assertThat(f.cpu.load(BASE + 512 * PAGE)).isEqualTo(2);
        }
    }

    // ---- races

    private static final int PAGES = 96;

    /** Each task has an area of its own in one address space, and reclaim goes over all of them. */
    @Test
    void listsHoldWhileReclaimRacesWithUnmappingForkingMovingAndLocking() throws Exception {
        try (MmFixture f = machine(32L << 20)) {
            FaultContext[] contexts = new FaultContext[5];
            ModelCpu[] cpus = new ModelCpu[5];
            SplittableRandom[] random = new SplittableRandom[5];
            for (int i = 0; i < 5; i++) {
                contexts[i] = new FaultContext();
                cpus[i] = f.newCpu(f.mm);
                random[i] = new SplittableRandom(i);
                f.map(area(i), PAGES);
            }
            Race.run(
                    Race.ROUNDS / 10,
                    round -> {},
                    round -> f.audit(),
                    round -> {
                        fill(cpus[0], area(0), round);
                        MmFixture.ok(f.munmap(area(0) + 8 * PAGE, (PAGES - 8) * PAGE));
                        f.map(area(0) + 8 * PAGE, PAGES - 8);
                    },
                    round -> {
                        fill(cpus[1], area(1), round);
                        fork(f, contexts[1], round);
                    },
                    round -> {
                        fill(cpus[2], area(2), round);
                        long to = area(2) + (32L << 20);
                        f.sys.mremap().run(f.mm, contexts[2], area(2), PAGES * PAGE, PAGES * PAGE, MOVE, to);
                        check(cpus[2], to, round);
                        f.sys.mremap().run(f.mm, contexts[2], to, PAGES * PAGE, PAGES * PAGE, MOVE, area(2));
                    },
                    round -> {
                        long part = area(3) + random[3].nextInt(PAGES / 2) * PAGE;
                        fill(cpus[3], area(3), round);
                        MmFixture.ok(f.sys.mlock().mlock(f.mm, contexts[3], part, PAGES / 2 * PAGE));
                        check(cpus[3], area(3), round);
                        MmFixture.ok(f.sys.mlock().munlock(f.mm, part, PAGES / 2 * PAGE));
                    },
                    round -> {
                        f.sys.reclaimer().reclaim(8);
                        int advice = round % 2 == 0 ? Madv.PAGEOUT : Madv.COLD;
                        f.sys.madvise().run(f.mm, contexts[4], area(3), PAGES * PAGE, advice);
                    });
            assertThat(f.sys.swap().pagesOut()).isPositive();
        }
    }

    private static long area(int task) {
        return BASE + ((long) task << 26);
    }

    private static void fill(ModelCpu cpu, long area, int round) {
        for (int i = 0; i < PAGES; i++) {
            cpu.store(area + i * PAGE, i + round & 0xff);
        }
    }

    private static void check(ModelCpu cpu, long area, int round) {
        for (int i = 0; i < PAGES; i++) {
            assertThat(cpu.load(area + i * PAGE)).isEqualTo(i + round & 0xff);
        }
    }

    private static void fork(MmFixture f, FaultContext ctx, int round) {
        ModelCpu.Tlbs tlbs = new ModelCpu.Tlbs();
        MmStruct child = f.sys.newMm(tlbs, MmLimits.ROOT);
        assertThat(f.sys.fork().dupMmap(child, f.mm, ctx)).isZero();
        check(new ModelCpu(child, f.sys.faults(), tlbs), area(1), round);
        f.sys.exitMmap(child);
    }
}
