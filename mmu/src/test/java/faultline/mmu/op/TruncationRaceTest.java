package faultline.mmu.op;

import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.PAGE;
import static faultline.mmu.system.MmFixture.RW;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.MemoryFile;
import faultline.mmu.fault.ModelCpu;
import faultline.mmu.fault.Race;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.phys.Page;
import faultline.mmu.system.MemoryConfig;
import faultline.mmu.system.MmFixture;
import faultline.mmu.table.PtlMode;
import faultline.mmu.view.PageMap;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A file is cut while its pages are being touched, pinned, mapped and unmapped. */
@Timeout(300)
class TruncationRaceTest {
    private static final int PAGES = 16;
    private static final int KEPT = 3;
    private static final long BYTES = PAGES * PAGE;
    /** Both ranges cross a page-table's end. */
    private static final long SHARED = BASE + (2L << 20) - 6 * PAGE;

    private static final long COPIES = SHARED + (8L << 20);
    private static final long GUEST = SHARED + (16L << 20);

    private static void map(MmFixture m, FaultContext ctx, long at, int sharing, MemoryFile file) {
        MmFixture.ok(m.sys.mmap().doMmap(m.mm, ctx, at, BYTES, RW, sharing | MmapFlags.FIXED, file, 0));
    }

    /** Pages of a mapping that a page table shows from page {@code first} on. */
    private static int shown(MmFixture m, long start, int first) {
        long[] entries = new long[PAGES];
        PageMap.read(m.sys.tables(), m.mm, start, entries, false);
        int found = 0;
        for (int i = first; i < PAGES; i++) {
            found += (entries[i] & (PageMap.PRESENT | PageMap.SWAP)) != 0 ? 1 : 0;
        }
        return found;
    }

    @Test
    void privateCopiesOfWhatIsCutGoAndThoseBeforeStay() {
        try (MmFixture m = new MmFixture()) {
            MemoryFile file = m.file(PAGES);
            map(m, m.ctx, COPIES, MmapFlags.PRIVATE, file);
            m.fill(COPIES, PAGES, 100);
            assertThat(file.mapping().truncate(KEPT * PAGE, file::resizeTo)).isZero();
            assertThat(m.mm.rss(MmStruct.ANONPAGES)).isEqualTo(KEPT);
            assertThat(m.cpu.load(COPIES + (KEPT - 1) * PAGE)).isEqualTo(100 + KEPT - 1);
            assertThatThrownBy(() -> m.cpu.load(COPIES + KEPT * PAGE)).hasMessageContaining("signal 7");
            assertThat(file.mapping().truncate(BYTES, file::resizeTo)).isZero();
            assertThat(m.cpu.load(COPIES + KEPT * PAGE)).isZero();
        }
    }

    /** Both kinds of signal are right answers. */
    private static void touch(ModelCpu cpu, SplittableRandom random) {
        long[] ranges = {SHARED, COPIES, GUEST};
        for (int i = 0; i < 30; i++) {
            long address = ranges[random.nextInt(3)] + random.nextInt(PAGES) * PAGE;
            try {
                if (random.nextBoolean()) {
                    cpu.store(address, i);
                } else {
                    cpu.load(address);
                }
            } catch (ModelCpu.Signal e) {
                assertThat(e.signo).isIn(7, 11);
            }
        }
    }

    /** Pins pages as a device would, and finds in them what it wrote, whatever became of the file meanwhile. */
    private static void pin(MmFixture m, FaultContext ctx, SplittableRandom random) {
        long[] pages = new long[4];
        for (int i = 0; i < 10; i++) {
            boolean write = random.nextBoolean();
            long start = (random.nextBoolean() ? SHARED : COPIES) + random.nextInt(PAGES - pages.length) * PAGE;
            m.mm.mmapLock().readLock();
            long pinned = m.sys.gup().getUserPages(m.mm, ctx, start, pages.length, write, false, pages, null);
            m.mm.mmapLock().readUnlock();
            for (int p = 0; p < pinned; p++) {
                long word = Page.address(pages[p]) + 2048;
                if (write) {
                    m.sys.phys().putLong(word, i + 1);
                    Thread.onSpinWait();
                    // zero where the end of the file has come to lie within the page
                    assertThat(m.sys.phys().getLong(word)).isIn(0L, i + 1L);
                }
                assertThat(m.sys.phys().frames().refcount(pages[p])).isPositive();
                m.sys.phys().allocator().putPage(pages[p]);
            }
        }
    }

    private static void cut(MmFixture m, MemoryFile file) {
        assertThat(file.mapping().truncate(KEPT * PAGE - 5, file::resizeTo)).isZero();
        for (long start : new long[] {SHARED, COPIES, GUEST}) {
            assertThat(shown(m, start, KEPT)).as("pages beyond the end").isZero();
        }
        for (int i = KEPT; i < PAGES; i++) {
            assertThat(file.mapping().findPage(i)).isEqualTo(-1);
        }
    }

    @ParameterizedTest
    @EnumSource(PtlMode.class)
    void noPageBeyondTheEndIsMappedOrCachedAndPinnedOnesLast(PtlMode ptl) throws Exception {
        MemoryConfig config = MemoryConfig.defaults().withMemBytes(16L << 20).withPtl(ptl);
        try (MmFixture m = new MmFixture(config, MmLimits.ROOT)) {
            MemoryFile file = m.file(PAGES);
            ModelCpu one = m.newCpu(m.mm);
            ModelCpu two = m.newCpu(m.mm);
            FaultContext pinner = new FaultContext();
            FaultContext mapper = new FaultContext();
            SplittableRandom[] random = {new SplittableRandom(1), new SplittableRandom(2), new SplittableRandom(3)};
            map(m, m.ctx, SHARED, MmapFlags.SHARED, file);
            map(m, m.ctx, COPIES, MmapFlags.PRIVATE, file);
            Race.run(
                    Race.ROUNDS / 4,
                    round -> {},
                    round -> {
                        assertThat(one.staleTranslations()).isEmpty();
                        assertThat(two.staleTranslations()).isEmpty();
                        m.audit();
                        assertThat(file.mapping().truncate(BYTES, file::resizeTo))
                                .isZero();
                    },
                    round -> touch(one, random[0]),
                    round -> touch(two, random[1]),
                    round -> pin(m, pinner, random[2]),
                    round -> {
                        map(m, mapper, GUEST, round % 2 == 0 ? MmapFlags.SHARED : MmapFlags.PRIVATE, file);
                        m.sys.munmap().run(m.mm, GUEST, BYTES);
                    },
                    round -> cut(m, file));
        }
    }
}
