package faultline.mmu.system;

import static faultline.mmu.system.HugePages.FRAMES;
import static faultline.mmu.system.HugePages.HUGE;
import static faultline.mmu.system.HugePages.always;
import static faultline.mmu.system.HugePages.expectContent;
import static faultline.mmu.system.HugePages.hugeEntries;
import static faultline.mmu.system.HugePages.mapAndFill;
import static faultline.mmu.system.MmFixture.ANON;
import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.PAGE;
import static faultline.mmu.system.MmFixture.RW;
import static faultline.mmu.system.MmFixture.ok;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.Errno;
import faultline.mmu.fault.ModelCpu;
import faultline.mmu.gup.FollFlags;
import faultline.mmu.mm.Madv;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.Prot;
import faultline.mmu.mm.Thp;
import faultline.mmu.mm.ThpMode;
import faultline.mmu.table.MoveMode;
import faultline.mmu.table.Pte;
import faultline.mmu.table.PtlMode;
import faultline.mmu.view.ProcSmaps;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Transparent huge pages: when they come, what takes them apart, and that the books are right after each. */
@Timeout(120)
class HugePagesTest {
    @Test
    void firstTouchOfAnAdvisedRangeIsOneFaultFor2MiB() {
        try (MmFixture f = new MmFixture()) {
            f.map(BASE, 4 * FRAMES);
            f.fill(BASE, FRAMES, 1);
            assertThat(f.ctx.minFlt).isEqualTo(FRAMES);
            ok(f.madvise(BASE + HUGE, 2 * HUGE, Madv.HUGEPAGE));
            f.fill(BASE + HUGE, 2 * FRAMES, 1);
            assertThat(f.ctx.minFlt).isEqualTo(FRAMES + 2);
            assertThat(f.mm.rss(MmStruct.ANONPAGES)).isEqualTo(3 * FRAMES);
            assertThat(f.mm.nrPtes()).isEqualTo(3);
            assertThat(hugeEntries(f, f.mm)).isEqualTo(2);
            assertThat(ProcSmaps.text(f.sys.tables(), f.sys.faultEnv().swap(), f.mm))
                    .contains("AnonHugePages:      4096 kB");
        }
    }

    @Test
    void whereNotAll2MiBLieInTheMappingPagesAreSmall() {
        try (MmFixture f = always()) {
            f.map(BASE + PAGE, 2 * FRAMES - 2);
            f.fill(BASE + PAGE, 2 * FRAMES - 2, 1);
            assertThat(hugeEntries(f, f.mm)).isZero();
            assertThat(f.ctx.minFlt).isEqualTo(2 * FRAMES - 2);
        }
    }

    @Test
    void modeSwitchAndAdviceDecide() {
        try (MmFixture f = always()) {
            f.map(BASE, 4 * FRAMES);
            f.mm.setThpDisabled(Thp.DISABLED);
            f.cpu.store(BASE, 1);
            assertThat(hugeEntries(f, f.mm)).isZero();
            f.mm.setThpDisabled(Thp.EXCEPT_ADVISED);
            f.cpu.store(BASE + HUGE, 1);
            assertThat(hugeEntries(f, f.mm)).isZero();
            ok(f.madvise(BASE, 4 * HUGE, Madv.HUGEPAGE));
            f.cpu.store(BASE + 2 * HUGE, 1);
            assertThat(hugeEntries(f, f.mm)).isEqualTo(1);
            f.sys.sysctl().thp = ThpMode.NEVER;
            f.cpu.store(BASE + 3 * HUGE, 1);
            assertThat(hugeEntries(f, f.mm)).isEqualTo(1);
        }
    }

    @Test
    void readingMapsZerosThatAWriteReplaces() {
        try (MmFixture f = always()) {
            f.map(BASE, 2 * FRAMES);
            assertThat(f.cpu.load(BASE + 77 * PAGE)).isZero();
            assertThat(f.cpu.load(BASE + HUGE)).isZero();
            assertThat(f.ctx.minFlt).isEqualTo(2);
            assertThat(f.mm.rssPages()).isZero();
            f.audit();
            f.cpu.store(BASE + 78 * PAGE, 5);
            assertThat(f.ctx.minFlt).isEqualTo(3);
            assertThat(f.cpu.load(BASE + 77 * PAGE)).isZero();
            assertThat(f.cpu.load(BASE + 78 * PAGE)).isEqualTo(5);
            assertThat(f.mm.rssPages()).isEqualTo(FRAMES);
            ok(f.munmap(BASE + HUGE, 7 * PAGE));
            assertThat(f.cpu.load(BASE + HUGE + 7 * PAGE)).isZero();
            f.audit();
        }
    }

    @ParameterizedTest
    @EnumSource(PtlMode.class)
    void unmappingAPartSplitsOnlyWhatItCuts(PtlMode mode) {
        MemoryConfig config = MemoryConfig.defaults()
                .withMemBytes(64L << 20)
                .withThp(ThpMode.ALWAYS)
                .withPtl(mode);
        try (MmFixture f = new MmFixture(config, MmLimits.ROOT)) {
            mapAndFill(f);
            ok(f.munmap(BASE + 100 * PAGE, 3 * PAGE));
            assertThat(hugeEntries(f, f.mm)).isEqualTo(2);
            assertThat(f.mm.rssPages()).isEqualTo(3 * FRAMES - 3);
            expectContent(f, f.cpu, BASE, 0, 100);
            expectContent(f, f.cpu, BASE + 103 * PAGE, 103, 3 * FRAMES - 103);
            f.audit();
            ok(f.munmap(BASE + HUGE, HUGE));
            assertThat(hugeEntries(f, f.mm)).isEqualTo(1);
            f.audit();
        }
    }

    @Test
    void rightsOfAWholeHugePageChangeInPlaceOfAPartSplitIt() {
        try (MmFixture f = always()) {
            mapAndFill(f);
            long faults = f.ctx.minFlt;
            ok(f.mprotect(BASE + HUGE, HUGE, Prot.READ));
            assertThat(hugeEntries(f, f.mm)).isEqualTo(3);
            f.audit();
            ok(f.mprotect(BASE + HUGE, HUGE, Prot.NONE));
            f.audit();
            ok(f.mprotect(BASE + HUGE, HUGE, RW));
            f.cpu.store(BASE + HUGE, 1);
            assertThat(f.ctx.minFlt).isEqualTo(faults);
            ok(f.mprotect(BASE + 700 * PAGE, PAGE, Prot.READ));
            assertThat(hugeEntries(f, f.mm)).isEqualTo(2);
            f.audit();
        }
    }

    @ParameterizedTest
    @EnumSource(MoveMode.class)
    void aMovedHugePageStaysOneWhereItFitsAndIsSplitWhereNot(MoveMode mode) {
        MemoryConfig config = MemoryConfig.defaults()
                .withMemBytes(64L << 20)
                .withThp(ThpMode.ALWAYS)
                .withMove(mode);
        try (MmFixture f = new MmFixture(config, MmLimits.ROOT)) {
            mapAndFill(f);
            int flags = MmapFlags.MREMAP_MAYMOVE | MmapFlags.MREMAP_FIXED;
            long to = BASE + (1L << 40);
            ok(f.mremap(BASE, 2 * HUGE, 2 * HUGE, flags, to));
            assertThat(hugeEntries(f, f.mm, to, 4)).isEqualTo(2);
            assertThat(hugeEntries(f, f.mm)).isEqualTo(1);
            expectContent(f, f.cpu, to, 0, 2 * FRAMES);
            f.audit();
            ok(f.mremap(to, 2 * HUGE, 2 * HUGE, flags, BASE + 9 * PAGE + 8 * HUGE));
            expectContent(f, f.cpu, BASE + 9 * PAGE + 8 * HUGE, 0, 2 * FRAMES);
            assertThat(hugeEntries(f, f.mm)).isEqualTo(1);
            f.audit();
        }
    }

    @Test
    void forkSharesTheHugePageAndAWriteCopiesOneSmallPage() {
        try (MmFixture f = always()) {
            mapAndFill(f);
            MmStruct child = f.newMm(MmLimits.ROOT);
            ok(f.sys.fork().dupMmap(child, f.mm, f.ctx));
            ModelCpu childCpu = f.newCpu(child);
            assertThat(hugeEntries(f, child)).isEqualTo(3);
            f.audit();
            childCpu.store(BASE + 3 * PAGE, 99);
            assertThat(childCpu.ctx.minFlt).isEqualTo(1);
            assertThat(hugeEntries(f, child)).isEqualTo(2);
            assertThat(hugeEntries(f, f.mm)).isEqualTo(3);
            expectContent(f, f.cpu, BASE, 0, 3 * FRAMES);
            f.audit();
            f.cpu.store(BASE + HUGE + 4 * PAGE, 98);
            expectContent(f, childCpu, BASE + HUGE, FRAMES, FRAMES);
            f.audit();
            f.sys.exitMmap(child);
            f.audit();
            long faults = f.ctx.minFlt;
            f.cpu.store(BASE + 5 * PAGE, 97);
            f.cpu.store(BASE + 6 * PAGE, 97);
            assertThat(f.ctx.minFlt).isEqualTo(faults + 1);
            assertThat(hugeEntries(f, f.mm)).isEqualTo(2);
            f.audit();
        }
    }

    @Test
    void pagesThatForkSharedOneByOneGoBackWhenBothSidesHaveDroppedThem() {
        try (MmFixture f = always()) {
            mapAndFill(f);
            MmStruct child = f.newMm(MmLimits.ROOT);
            ok(f.sys.fork().dupMmap(child, f.mm, f.ctx));
            ok(f.sys.munmap().run(child, BASE + PAGE, PAGE));
            ok(f.munmap(BASE + 2 * PAGE, PAGE));
            f.audit();
            ok(f.munmap(BASE, HUGE));
            f.audit();
            expectContent(f, f.newCpu(child), BASE + 2 * PAGE, 2, FRAMES - 2);
            ok(f.sys.munmap().run(child, BASE, 3 * HUGE));
            f.audit();
        }
    }

    @Test
    void adviceOnAPartSplitsAndOnAllDoesNot() {
        try (MmFixture f = always()) {
            mapAndFill(f);
            ok(f.madvise(BASE, HUGE, Madv.COLD));
            ok(f.madvise(BASE, HUGE, Madv.FREE));
            assertThat(hugeEntries(f, f.mm)).isEqualTo(3);
            f.audit();
            ok(f.madvise(BASE, PAGE, Madv.FREE));
            assertThat(hugeEntries(f, f.mm)).isEqualTo(2);
            ok(f.madvise(BASE + HUGE, HUGE, Madv.DONTNEED));
            assertThat(hugeEntries(f, f.mm)).isEqualTo(1);
            assertThat(f.mm.rssPages()).isEqualTo(2 * FRAMES);
            ok(f.madvise(BASE + 2 * HUGE + PAGE, PAGE, Madv.DONTNEED));
            assertThat(f.cpu.load(BASE + 2 * HUGE + PAGE)).isZero();
            assertThat(hugeEntries(f, f.mm)).isZero();
            f.audit();
        }
    }

    @Test
    void adviceThatDividesAMappingSplitsTheHugePageAtTheBoundary() {
        try (MmFixture f = always()) {
            mapAndFill(f);
            ok(f.madvise(BASE + 700 * PAGE, 900 * PAGE - 700 * PAGE, Madv.DONTFORK));
            assertThat(hugeEntries(f, f.mm)).isEqualTo(2);
            f.audit();
            ok(f.madvise(BASE + 700 * PAGE, 900 * PAGE - 700 * PAGE, Madv.DOFORK));
            expectContent(f, f.cpu, BASE, 0, 3 * FRAMES);
            f.audit();
        }
    }

    @Test
    void aBoundaryThatMovesIntoAHugePageSplitsIt() {
        try (MmFixture f = always()) {
            mapAndFill(f);
            ok(f.mprotect(BASE, HUGE, Prot.READ));
            ok(f.mprotect(BASE + HUGE, 10 * PAGE, Prot.READ));
            assertThat(f.shape()).containsExactly("0-522 r--p", "522-1536 rw-p");
            assertThat(hugeEntries(f, f.mm)).isEqualTo(2);
            f.audit();
        }
    }

    @Test
    void systemCallsReachIntoHugePages() {
        try (MmFixture f = always()) {
            f.map(BASE, 2 * FRAMES);
            byte[] text = "across the boundary of two small pages".getBytes(java.nio.charset.StandardCharsets.US_ASCII);
            long at = BASE + 5 * PAGE - 7;
            assertThat(f.sys.userMemory().copyToUser(f.mm, f.ctx, at, text, 0, text.length))
                    .isZero();
            byte[] back = new byte[text.length];
            assertThat(f.sys.userMemory().copyFromUser(f.mm, f.ctx, at, back, 0, back.length))
                    .isZero();
            assertThat(back).isEqualTo(text);
            assertThat(f.ctx.minFlt).isEqualTo(1);
            assertThat(hugeEntries(f, f.mm)).isEqualTo(1);
            long[] pages = new long[3];
            f.mm.mmapLock().readLock();
            assertThat(f.sys.gup().getUserPages(f.mm, f.ctx, BASE + 3 * PAGE, 3, true, false, pages, null))
                    .isEqualTo(3);
            f.mm.mmapLock().readUnlock();
            assertThat(pages[2]).isEqualTo(pages[0] + 2);
            // Pinned, it cannot become single frames; its parts are mapped all the same.
            ok(f.mprotect(BASE + PAGE, PAGE, Prot.READ));
            assertThat(hugeEntries(f, f.mm)).isZero();
            assertThat(f.sys.phys().frames().order(pages[0] - 3)).isEqualTo(9);
            ok(f.munmap(BASE, 2 * HUGE));
            assertThat(f.sys.phys().getByte(pages[2] << 12)).isEqualTo(text[7]);
            for (long pfn : pages) {
                f.sys.phys().allocator().putPage(pfn);
            }
        }
    }

    @Test
    void lookingUpDoesNotTouchUnlessAsked() {
        try (MmFixture f = always()) {
            f.map(BASE, FRAMES);
            f.cpu.store(BASE, 1);
            long pmd = f.sys.tables().walkToPmd(f.mm.pgd(), BASE);
            long head = Pte.pfn(f.sys.phys().getLong(pmd));
            f.sys.tables().ptepTestAndClearYoung(pmd);
            int before = f.sys.phys().frames().flags(head);
            f.mm.mmapLock().readLock();
            long pfn = f.sys.gup().follow().followPage(f.mm, BASE + 17 * PAGE, FollFlags.WRITE, f.ctx);
            f.mm.mmapLock().readUnlock();
            assertThat(pfn).isEqualTo(head + 17);
            assertThat(f.sys.phys().frames().flags(head)).isEqualTo(before);
            assertThat(Pte.isYoung(f.sys.phys().getLong(pmd))).isFalse();
            assertThat(f.sys.phys().frames().refcount(head)).isEqualTo(1);
        }
    }

    @Test
    void withoutABlockOf2MiBSmallPagesAreMapped() {
        try (MmFixture f =
                new MmFixture(MemoryConfig.defaults().withMemBytes(8L << 20).withThp(ThpMode.ALWAYS), MmLimits.ROOT)) {
            int pages = 3 * FRAMES + 50;
            f.map(BASE, 4 * FRAMES);
            f.fill(BASE, pages, 1);
            assertThat(hugeEntries(f, f.mm)).isEqualTo(3);
            assertThat(f.mm.rssPages()).isEqualTo(pages);
            expectContent(f, f.cpu, BASE, 0, pages);
        }
    }

    @Test
    void underMemoryPressureHugePagesAreSplitAndSwappedOut() {
        MemoryConfig config = MemoryConfig.defaults()
                .withMemBytes(16L << 20)
                .withSwapBytes(64L << 20)
                .withThp(ThpMode.ALWAYS);
        try (MmFixture f = new MmFixture(config, MmLimits.ROOT)) {
            int pages = 12 * FRAMES;
            f.map(BASE, pages);
            f.fill(BASE, pages, 1);
            f.audit();
            expectContent(f, f.cpu, BASE, 0, pages);
            assertThat(f.sys.swap().pagesOut()).isGreaterThan(FRAMES);
            f.audit();
        }
    }

    @Test
    void collapseMakesOnePageOfMany() {
        try (MmFixture f = new MmFixture()) {
            f.map(BASE, 2 * FRAMES);
            f.fill(BASE, FRAMES - 12, 1);
            assertThat(f.cpu.load(BASE + (FRAMES - 1) * PAGE)).isZero();
            assertThat(f.madvise(BASE + HUGE, HUGE, Madv.COLLAPSE))
                    .as("nothing there")
                    .isEqualTo(-Errno.EINVAL);
            ok(f.madvise(BASE, HUGE, Madv.COLLAPSE));
            ok(f.madvise(BASE, HUGE, Madv.COLLAPSE));
            assertThat(hugeEntries(f, f.mm)).isEqualTo(1);
            assertThat(f.mm.rssPages()).isEqualTo(FRAMES);
            long faults = f.ctx.minFlt;
            expectContent(f, f.cpu, BASE, 0, FRAMES - 12);
            f.cpu.store(BASE + (FRAMES - 1) * PAGE, 9);
            assertThat(f.ctx.minFlt).isEqualTo(faults);
            f.audit();
            ok(f.munmap(BASE + PAGE, PAGE));
            f.audit();
            ok(f.madvise(BASE, PAGE, Madv.NOHUGEPAGE));
        }
    }

    @Test
    void collapseCopiesWhatForkSharesAndLeavesPinnedPagesAlone() {
        try (MmFixture f = new MmFixture()) {
            f.map(BASE, FRAMES);
            f.fill(BASE, FRAMES, 1);
            MmStruct child = f.newMm(MmLimits.ROOT);
            ok(f.sys.fork().dupMmap(child, f.mm, f.ctx));
            ok(f.madvise(BASE, HUGE, Madv.COLLAPSE));
            f.audit();
            f.cpu.store(BASE, 77);
            ModelCpu childCpu = f.newCpu(child);
            expectContent(f, childCpu, BASE, 0, FRAMES);
            long[] pages = new long[1];
            child.mmapLock().readLock();
            assertThat(f.sys.gup().getUserPages(child, f.ctx, BASE + PAGE, 1, true, false, pages, null))
                    .isEqualTo(1);
            child.mmapLock().readUnlock();
            assertThat(f.sys.madvise().run(child, f.ctx, BASE, HUGE, Madv.COLLAPSE))
                    .isEqualTo(-Errno.EAGAIN);
            f.sys.phys().allocator().putPage(pages[0]);
            f.audit();
            ok(f.sys.madvise().run(child, f.ctx, BASE, HUGE, Madv.COLLAPSE));
            expectContent(f, childCpu, BASE, 0, FRAMES);
        }
    }

    @Test
    void aHintBesideHugePagesKeepsAnonymousMappingsMergeable() {
        try (MmFixture f = always()) {
            ok(f.mmap(BASE, HUGE, RW, ANON | MmapFlags.FIXED));
            f.cpu.store(BASE, 1);
            ok(f.mmap(BASE + HUGE, HUGE, RW, ANON | MmapFlags.FIXED));
            f.cpu.store(BASE + HUGE, 1);
            assertThat(f.shape()).containsExactly("0-1024 rw-p");
            assertThat(hugeEntries(f, f.mm)).isEqualTo(2);
        }
    }
}
