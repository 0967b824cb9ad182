package faultline.mmu.table;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.phys.Page;
import faultline.mmu.phys.PhysicalMemory;
import faultline.mmu.tlb.ModelTlb;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Size;

/** The three ways of moving agree with each other and with a map from page to entry. */
class PageTableMoverProperties {
    private static final long OLD = 3 * Page.PGD_SIZE - 3 * Page.PMD_SIZE;
    private static final long NEW = 7 * Page.PGD_SIZE - 2 * Page.PMD_SIZE;

    private static final PhysicalMemory MEMORY = PhysicalMemory.reserve(16 << 20);

    @Property(tries = 400, seed = "20260101")
    void allModesGiveWhatTheModelGives(
            @ForAll @IntRange(max = 1200) int oldOffset,
            @ForAll @IntRange(max = 1200) int newOffset,
            @ForAll @IntRange(min = 1, max = 2600) int pages,
            @ForAll boolean aligned,
            @ForAll @Size(max = 40) List<@LongRange(max = 2599) Long> present,
            @ForAll PtlMode ptl) {
        long from = OLD + (aligned ? oldOffset / 512 * 512 : oldOffset) * Page.SIZE;
        long to = NEW + (aligned ? newOffset / 512 * 512 : newOffset) * Page.SIZE;
        long length = pages * Page.SIZE;
        Map<Long, Long> content = new HashMap<>();
        for (long page : present) {
            content.put(page, entryFor(page));
        }
        long freeBefore = MEMORY.allocator().freeFrames();
        for (MoveMode mode : MoveMode.values()) {
            PageTables tables = new PageTables(MEMORY, ptl);
            TestSpace space = new TestSpace(tables);
            ModelTlb tlb = new ModelTlb();
            space.setTlb(tlb);
            content.forEach((page, pte) -> {
                space.map(from + page * Page.SIZE, pte);
                tlb.fill(from + page * Page.SIZE, Pte.pfn(pte));
            });
            int tablesBefore = space.countTables();

            long moved = new PageTableMover(tables, space, mode, MoveHook.NONE).move(from, to, length);

            assertThat(moved).isEqualTo(length);
            content.forEach((page, pte) -> {
                boolean inside = page < pages;
                long now = space.entry((inside ? to : from) + page * Page.SIZE);
                assertThat(Pte.clearSoftDirty(now)).as("%s page %d", mode, page).isEqualTo(pte);
                assertThat(space.entry((inside ? from : to) + page * Page.SIZE)).isZero();
                if (inside && Pte.isHardwarePresent(pte)) {
                    assertThat(tlb.lookup(from + page * Page.SIZE))
                            .as("stale translation, %s", mode)
                            .isEqualTo(-1);
                }
                if (inside && mode != MoveMode.PMD && !Pte.isFile(pte)) {
                    assertThat(Pte.isSoftDirty(now)).isTrue();
                }
            });
            assertThat(countEntries(space)).isEqualTo(content.size());
            assertThat(space.countTables()).isEqualTo(space.nrPtes() + space.nrPmds() + space.nrPuds());
            assertThat(space.countTables()).isGreaterThanOrEqualTo(tablesBefore);
            assertThat(space.pageTableLock().isLocked()).isFalse();
            space.destroy();
            assertThat(MEMORY.allocator().freeFrames()).isEqualTo(freeBefore);
        }
    }

    /** With memory for only some of the tables, what was moved and what stayed together are all there was. */
    @Property(tries = 200, seed = "20260102")
    void whenMemoryRunsOutNothingIsLost(
            @ForAll @IntRange(max = 511) int newOffset,
            @ForAll @IntRange(max = 7) int tablesToSpare,
            @ForAll MoveMode mode,
            @ForAll PtlMode ptl) {
        int pages = 3 * 512;
        try (PhysicalMemory memory = PhysicalMemory.reserve(2 << 20, 1)) {
            PageTables tables = new PageTables(memory, ptl);
            TestSpace space = new TestSpace(tables);
            for (long page = 0; page < pages; page += 5) {
                space.map(OLD + page * Page.SIZE, entryFor(page));
            }
            List<Long> hogged = new ArrayList<>();
            while (memory.allocator().freeFrames() > tablesToSpare) {
                hogged.add(memory.allocator().allocPage());
            }
            long to = NEW + newOffset * Page.SIZE;

            long moved = new PageTableMover(tables, space, mode, MoveHook.NONE).move(OLD, to, pages * Page.SIZE);

            assertThat(moved).isBetween(0L, pages * Page.SIZE);
            for (long page = 0; page < pages; page += 5) {
                boolean inside = page * Page.SIZE < moved;
                assertThat(Pte.clearSoftDirty(space.entry((inside ? to : OLD) + page * Page.SIZE)))
                        .isEqualTo(entryFor(page));
            }
            // What was moved goes back without any memory: the tables it came from are still there, or move as they
            // came.
            assertThat(new PageTableMover(tables, space, mode, MoveHook.NONE).move(to, OLD, moved))
                    .isEqualTo(moved);
            for (long page = 0; page < pages; page += 5) {
                assertThat(Pte.clearSoftDirty(space.entry(OLD + page * Page.SIZE)))
                        .isEqualTo(entryFor(page));
            }
            hogged.forEach(memory.allocator()::putPage);
        }
    }

    /** Of each kind of entry some. */
    private static long entryFor(long page) {
        return switch ((int) (page % 5)) {
            case 0 -> Pte.of(page + 1, PageProt.SHARED | Pte.DIRTY);
            case 1 -> Pte.of(page + 1, PageProt.READONLY_EXEC & ~Pte.ACCESSED);
            case 2 -> Pte.swap((int) (page % Pte.MAX_SWAP_TYPES), page);
            case 3 -> Pte.file(page);
            default -> Pte.of(page + 1, PageProt.NONE);
        };
    }

    private static int countEntries(TestSpace space) {
        int found = 0;
        for (long start : new long[] {OLD, NEW}) {
            for (long page = 0; page < 4096; page++) {
                found += Pte.isNone(space.entry(start + page * Page.SIZE)) ? 0 : 1;
            }
        }
        return found;
    }
}
