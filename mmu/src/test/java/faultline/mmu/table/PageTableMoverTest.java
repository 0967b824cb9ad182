package faultline.mmu.table;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.phys.Page;
import faultline.mmu.phys.PhysicalMemory;
import faultline.mmu.tlb.AddressSpaceTlb;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PageTableMoverTest {
    private static final long OLD = 0x1000_0000_0000L;
    private static final long NEW = 0x2000_0000_0000L;
    private static final int PAGES = 1024;

    private final PhysicalMemory memory = PhysicalMemory.reserve(16 << 20);
    private final PageTables tables = new PageTables(memory, PtlMode.MM);
    private final TestSpace space = new TestSpace(tables);

    @AfterEach
    void close() {
        memory.close();
    }

    private void fill(int pages) {
        for (int i = 0; i < pages; i++) {
            space.map(OLD + i * Page.SIZE, Pte.of(i + 1, PageProt.SHARED | Pte.DIRTY));
        }
    }

    private long locksFor(MoveMode mode, long to) {
        long before = space.pageTableLock().acquisitions();
        long moved = new PageTableMover(tables, space, mode, MoveHook.NONE).move(OLD, to, PAGES * Page.SIZE);
        assertThat(moved).isEqualTo(PAGES * Page.SIZE);
        return space.pageTableLock().acquisitions() - before;
    }

    @Test
    void byPageTheLockIsTakenOnceAPage() {
        fill(PAGES);
        space.map(NEW, 0);
        space.map(NEW + Page.PMD_SIZE, 0);
        assertThat(locksFor(MoveMode.PAGE, NEW)).isEqualTo(PAGES);
    }

    @Test
    void byExtentTheLockIsTakenOnceForSixtyFourPages() {
        fill(PAGES);
        space.map(NEW, 0);
        space.map(NEW + Page.PMD_SIZE, 0);
        assertThat(locksFor(MoveMode.EXTENT, NEW)).isEqualTo(PAGES / PageTableMover.LATENCY_LIMIT);
    }

    @Test
    void anExtentEndsAtTheEndOfEitherTable() {
        fill(PAGES);
        long to = NEW + 3 * Page.SIZE;
        for (int i = 0; i < 3; i++) {
            space.map(NEW + i * Page.PMD_SIZE, 0);
        }
        // Each of the two source tables meets the end of a destination table: one extent more.
        assertThat(locksFor(MoveMode.EXTENT, to)).isEqualTo(PAGES / PageTableMover.LATENCY_LIMIT + 2);
    }

    @Test
    void aWholeTableMovesWithOneLockAndAddsNone() {
        fill(PAGES);
        space.map(NEW + 4 * Page.PMD_SIZE, 0);
        int ptes = space.nrPtes();
        assertThat(locksFor(MoveMode.PMD, NEW)).isEqualTo(2);
        assertThat(space.nrPtes()).isEqualTo(ptes);
        assertThat(space.entry(NEW + 700 * Page.SIZE)).isEqualTo(Pte.of(701, PageProt.SHARED | Pte.DIRTY));
    }

    @Test
    void byPageNoTableIsAddedForAnEmptySource() {
        space.map(OLD, 0);
        new PageTableMover(tables, space, MoveMode.PAGE, MoveHook.NONE).move(OLD, NEW, Page.PMD_SIZE);
        assertThat(tables.walkToPmd(space.pgd(), NEW)).isEqualTo(-1);
        new PageTableMover(tables, space, MoveMode.EXTENT, MoveHook.NONE).move(OLD, NEW, Page.PMD_SIZE);
        assertThat(tables.walkToPmd(space.pgd(), NEW)).isNotEqualTo(-1);
    }

    @ParameterizedTest
    @EnumSource(MoveMode.class)
    void theOldRangeIsFlushedBeforeItsLockIsDropped(MoveMode mode) {
        fill(PAGES);
        List<Boolean> held = new ArrayList<>();
        space.setTlb(new AddressSpaceTlb() {
            @Override
            public void flushPage(long address) {
                flushRange(address, address + Page.SIZE);
            }

            @Override
            public void flushRange(long start, long end) {
                held.add(space.pageTableLock().isHeldByCurrentThread());
                assertThat(space.entry(start)).isZero();
            }

            @Override
            public void flushAll() {
                held.add(false);
            }
        });
        locksFor(mode, NEW);
        assertThat(held).isNotEmpty().doesNotContain(false);
    }

    @ParameterizedTest
    @EnumSource(MoveMode.class)
    void theFilesLockIsTakenOutsideOfThePageTableLock(MoveMode mode) {
        fill(PAGES);
        int[] calls = new int[2];
        MoveHook hook = new MoveHook() {
            @Override
            public void lock() {
                assertThat(space.pageTableLock().isLocked()).isFalse();
                calls[0]++;
            }

            @Override
            public void unlock() {
                assertThat(space.pageTableLock().isLocked()).isFalse();
                calls[1]++;
            }
        };
        new PageTableMover(tables, space, mode, hook).move(OLD, NEW, PAGES * Page.SIZE);
        assertThat(calls[0]).isPositive().isEqualTo(calls[1]);
    }

    @Test
    void aHugePageMovesAsOneWhereBothSidesAreAligned() {
        long entry = Pte.of(512, PageProt.SHARED | Pte.PSE | Pte.DIRTY);
        long oldPmd = tables.allocToPmd(space, OLD);
        long table = tables.newPteTable();
        tables.huge().deposit(oldPmd, table);
        memory.putLong(oldPmd, entry);
        assertThat(new PageTableMover(tables, space, MoveMode.EXTENT, MoveHook.NONE).move(OLD, NEW, Page.PMD_SIZE))
                .isEqualTo(Page.PMD_SIZE);
        assertThat(memory.getLong(tables.walkToPmd(space.pgd(), OLD))).isZero();
        assertThat(memory.getLong(tables.walkToPmd(space.pgd(), NEW))).isEqualTo(Pte.mkSoftDirty(entry));
        long laidBy = tables.huge().withdraw(tables.walkToPmd(space.pgd(), NEW));
        assertThat(laidBy).as("the table laid by moves along").isEqualTo(table);
        tables.freeTable(laidBy);
    }

    @Test
    void aHugePageIsSplitWhereItCannotMoveAsOne() {
        memory.putLong(tables.allocToPmd(space, OLD), Pte.of(512, PageProt.SHARED | Pte.PSE));
        List<Long> split = new ArrayList<>();
        MoveHook hook = new MoveHook() {
            @Override
            public boolean splitHugePmd(long pmdEntry, long address) {
                split.add(address);
                memory.putLong(pmdEntry, 0);
                for (int i = 0; i < 512; i++) {
                    space.map(OLD + i * Page.SIZE, Pte.of(512 + i, PageProt.SHARED));
                }
                return true;
            }
        };
        long to = NEW + Page.SIZE;
        assertThat(new PageTableMover(tables, space, MoveMode.PMD, hook).move(OLD, to, Page.PMD_SIZE))
                .isEqualTo(Page.PMD_SIZE);
        assertThat(split).containsExactly(OLD);
        assertThat(Pte.pfn(space.entry(to + 511 * Page.SIZE))).isEqualTo(1023);
    }

    @Test
    void splitLocksOfBothTablesAreFreeAfterwards() {
        PageTables split = new PageTables(memory, PtlMode.SPLIT);
        TestSpace other = new TestSpace(split);
        other.map(OLD, Pte.of(1, PageProt.SHARED));
        new PageTableMover(split, other, MoveMode.EXTENT, MoveHook.NONE).move(OLD, NEW, Page.SIZE);
        for (long address : new long[] {OLD, NEW}) {
            assertThat(split.pteLockptr(other, split.walkToPmd(other.pgd(), address))
                            .isLocked())
                    .isFalse();
        }
        assertThat(split.pteLockptr(other, split.walkToPmd(other.pgd(), OLD)))
                .isNotSameAs(split.pteLockptr(other, split.walkToPmd(other.pgd(), NEW)));
    }
}
