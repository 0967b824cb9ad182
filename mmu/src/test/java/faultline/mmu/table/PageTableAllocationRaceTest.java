package faultline.mmu.table;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.phys.Page;
import faultline.mmu.phys.PhysicalMemory;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Many tasks that touch one span for the first time at once, with the shared mmap lock only (seed 000): one table comes
 * of it, the losers' go back.
 */
class PageTableAllocationRaceTest {
    private static final int THREADS = 8;
    private static final int ROUNDS = Integer.getInteger("faultline.stress.rounds", 150);
    private static final long SPAN_2M = Page.PMD_SIZE;
    private static final long SPAN_512G = Page.PGD_SIZE;
    private static final long BASE = 5 * SPAN_512G;

    @ParameterizedTest
    @CsvSource({"MM,2", "SPLIT,2", "MM,1024", "SPLIT,1024", "MM,524288", "SPLIT,524288"})
    void racingFirstTouchesOfOneSpanMakeOneTableEach(PtlMode mode, long spanMib) throws Exception {
        long span = spanMib << 20;
        try (PhysicalMemory memory = PhysicalMemory.reserve(32 << 20)) {
            PageTables tables = new PageTables(memory, mode);
            for (int round = 0; round < ROUNDS; round++) {
                long freeBefore = memory.allocator().freeFrames();
                TestSpace space = new TestSpace(tables);
                // Each thread its own page, all of them in the span: in one table of PTEs, or in as many as there are
                // threads.
                race(thread -> {
                    space.mmapLock.readLock();
                    long address = BASE + thread * (span / THREADS) + thread * Page.SIZE;
                    space.map(address, Pte.of(100 + thread, PageProt.SHARED));
                    space.mmapLock.readUnlock();
                });
                int pteTables = span == SPAN_2M ? 1 : THREADS;
                int pmdTables = span == SPAN_512G ? THREADS : 1;
                assertThat(space.nrPtes()).isEqualTo(pteTables);
                assertThat(space.nrPmds()).isEqualTo(pmdTables);
                assertThat(space.nrPuds()).isEqualTo(1);
                assertThat(space.countTables()).isEqualTo(pteTables + pmdTables + 1);
                assertThat(memory.allocator().freeFrames()).isEqualTo(freeBefore - pteTables - pmdTables - 2);
                for (int thread = 0; thread < THREADS; thread++) {
                    long address = BASE + thread * (span / THREADS) + thread * Page.SIZE;
                    assertThat(Pte.pfn(space.entry(address))).isEqualTo(100 + thread);
                }
                space.destroy();
                assertThat(space.nrPtes()).isEqualTo(0);
                assertThat(space.nrPmds()).isEqualTo(0);
                assertThat(space.nrPuds()).isEqualTo(0);
                assertThat(memory.allocator().freeFrames()).isEqualTo(freeBefore);
            }
            assertThat(memory.allocator().audit()).isNull();
        }
    }

    @ParameterizedTest
    @CsvSource({"MM", "SPLIT"})
    void threadsIncrementingOneEntryUnderItsLockLoseNothing(PtlMode mode) throws Exception {
        int increments = 20_000;
        try (PhysicalMemory memory = PhysicalMemory.reserve(8 << 20)) {
            TestSpace space = new TestSpace(new PageTables(memory, mode));
            PageTables tables = space.tables;
            race(thread -> {
                PtlGuard guard = new PtlGuard();
                long pmd = tables.allocToPmd(space, BASE);
                for (int i = 0; i < increments; i++) {
                    long pte = tables.pteAllocMapLock(space, pmd, BASE, guard);
                    memory.putLong(pte, memory.getLong(pte) + (2L << 12));
                    tables.pteUnmapUnlock(pte, guard);
                }
            });
            assertThat(Pte.pfn(space.entry(BASE))).isEqualTo(2L * THREADS * increments);
            space.destroy();
        }
    }

    private interface Body {
        void run(int thread) throws Exception;
    }

    private static void race(Body body) throws InterruptedException {
        CyclicBarrier start = new CyclicBarrier(THREADS);
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Thread[] threads = new Thread[THREADS];
        for (int i = 0; i < THREADS; i++) {
            int number = i;
            threads[i] = new Thread(() -> {
                try {
                    start.await();
                    body.run(number);
                } catch (Throwable e) {
                    failure.compareAndSet(null, e);
                }
            });
            threads[i].start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(failure.get()).isNull();
    }
}
