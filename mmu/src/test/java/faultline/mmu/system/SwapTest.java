package faultline.mmu.system;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.FaultHandler;
import faultline.mmu.fault.MemoryFile;
import faultline.mmu.fault.ModelCpu;
import faultline.mmu.fault.Race;
import faultline.mmu.fault.SharedMemory;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.file.MappedFile;
import faultline.mmu.mm.Madv;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.view.ProcSmaps;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Working sets larger than memory: the right answers, at the price of major faults, and nothing left over. */
@Timeout(120)
class SwapTest {
    private static final long RAM = 8L << 20;
    private static final int RAM_PAGES = (int) (RAM >> 12);

    private static MmFixture machine(long swapBytes) {
        return new MmFixture(MemoryConfig.defaults().withMemBytes(RAM).withSwapBytes(swapBytes), MmLimits.ROOT);
    }

    @Test
    void aWorkingSetTwiceTheMemoryKeepsItsContent() {
        try (MmFixture f = machine(64L << 20)) {
            int pages = 2 * RAM_PAGES;
            f.map(MmFixture.BASE, pages);
            for (int round = 0; round < 3; round++) {
                for (int i = 0; i < pages; i++) {
                    long address = MmFixture.BASE + i * MmFixture.PAGE;
                    if (round > 0) {
                        assertThat(f.cpu.load(address + 8) & 0xff).isEqualTo(i * 7 + round - 1 & 0xff);
                    }
                    f.cpu.store(address + 8, i * 7 + round & 0xff);
                }
            }
            assertThat(f.ctx.majFlt).isGreaterThan(pages);
            assertThat(f.sys.swap().pagesOut()).isGreaterThan(pages);
            assertThat(f.mm.rss(MmStruct.SWAPENTS))
                    .isPositive()
                    .isEqualTo(f.sys.swap().entries());
            f.audit();
            MmFixture.ok(f.munmap(MmFixture.BASE, pages * MmFixture.PAGE));
            assertThat(f.sys.swap().freeSlots()).isEqualTo(f.sys.swap().totalSlots());
        }
    }

    @Test
    void aPageReadBackAndNotWrittenNeedsNoSecondWrite() {
        try (MmFixture f = machine(64L << 20)) {
            int pages = 2 * RAM_PAGES;
            f.map(MmFixture.BASE, pages);
            f.fill(MmFixture.BASE, pages, 1);
            for (int i = 0; i < pages; i++) {
                f.cpu.load(MmFixture.BASE + i * MmFixture.PAGE);
            }
            long written = f.sys.swap().pagesOut();
            for (int i = 0; i < pages; i++) {
                f.cpu.load(MmFixture.BASE + i * MmFixture.PAGE);
            }
            assertThat(f.sys.swap().pagesOut() - written).isLessThan(pages / 2);
        }
    }

    @Test
    void pagesInUseStayWhileUnusedOnesGo() {
        try (MmFixture f = machine(64L << 20)) {
            int hot = RAM_PAGES / 8;
            int cold = 6 * RAM_PAGES;
            f.map(MmFixture.BASE, hot + cold);
            f.fill(MmFixture.BASE, hot, 1);
            long major = f.ctx.majFlt;
            for (int i = 0; i < cold; i++) {
                f.cpu.store(MmFixture.BASE + (hot + i) * MmFixture.PAGE, 5);
                if (i % 32 == 0) {
                    // The processor's TLB forgets, so that use shows in the accessed bits.
                    f.mm.tlb().flushAll();
                    for (int j = 0; j < hot; j++) {
                        f.cpu.load(MmFixture.BASE + j * MmFixture.PAGE);
                    }
                }
            }
            assertThat(f.sys.swap().pagesOut()).isPositive();
            // Without a second chance they would go with each of the six times that the memory is filled anew.
            assertThat(f.ctx.majFlt - major).isLessThan(2 * hot);
        }
    }

    @Test
    void withoutSwapCleanPagesOfFilesAreReclaimed() {
        try (MmFixture f = machine(0)) {
            int pages = 2 * RAM_PAGES;
            MemoryFile file = f.file(pages);
            MmFixture.ok(
                    f.mmap(MmFixture.BASE, pages * MmFixture.PAGE, 1, MmapFlags.PRIVATE | MmapFlags.FIXED, file, 0));
            for (int round = 0; round < 2; round++) {
                for (int i = 0; i < pages; i++) {
                    assertThat((byte) f.cpu.load(MmFixture.BASE + i * MmFixture.PAGE))
                            .isEqualTo((byte) (i + 1));
                }
            }
            assertThat(f.sys.reclaimer().stolen()).isGreaterThan(pages);
            assertThat(file.mapping().cachedPages()).isLessThan(RAM_PAGES);
        }
    }

    @Test
    void dirtyPagesOfSharedMappingsReachTheFileBeforeTheirFramesGo() {
        try (MmFixture f = machine(0)) {
            int pages = 2 * RAM_PAGES;
            MemoryFile file = f.file(pages);
            MmFixture.ok(f.mmap(
                    MmFixture.BASE, pages * MmFixture.PAGE, MmFixture.RW, MmapFlags.SHARED | MmapFlags.FIXED, file, 0));
            for (int i = 0; i < pages; i++) {
                f.cpu.store(MmFixture.BASE + i * MmFixture.PAGE, i * 3 & 0xff);
            }
            for (int i = 0; i < pages; i++) {
                assertThat((byte) f.cpu.load(MmFixture.BASE + i * MmFixture.PAGE))
                        .isEqualTo((byte) (i * 3));
            }
            f.sys.msync();
            assertThat(file.mapping().writeback(0, Long.MAX_VALUE)).isZero();
            for (int i = 0; i < pages; i++) {
                assertThat(file.byteAt(i * MmFixture.PAGE)).isEqualTo((byte) (i * 3));
            }
        }
    }

    /** Four address spaces on four threads, together three times the memory; each checks all it wrote. */
    @Test
    void addressSpacesThatCompeteForMemoryKeepTheirOwnContent() throws InterruptedException {
        int rounds = Integer.getInteger("faultline.stress.rounds", 150) * 40;
        try (MmFixture f = machine(64L << 20)) {
            AtomicReference<Throwable> failure = new AtomicReference<>();
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                int number = i;
                MmStruct mm = f.newMm(MmLimits.ROOT);
                ModelCpu cpu = f.newCpu(mm);
                threads.add(new Thread(() -> {
                    try {
                        compete(f, mm, cpu, number, rounds);
                    } catch (Throwable e) {
                        failure.compareAndSet(null, e);
                    }
                }));
            }
            threads.forEach(Thread::start);
            for (Thread thread : threads) {
                thread.join();
            }
            assertThat(failure.get()).isNull();
            assertThat(f.sys.swap().pagesIn()).isPositive();
            f.audit();
        }
    }

    /** One of them frees the slot while the other, with the same entry in hand, looks for it. */
    @Test
    void tasksOfOneAddressSpaceTouchAPageThatGoesAgainAndAgain() throws Exception {
        try (MmFixture f = machine(1L << 20)) {
            f.map(MmFixture.BASE, 1);
            ModelCpu other = f.newCpu(f.mm);
            ModelCpu third = f.newCpu(f.mm);
            Race.run(
                    Race.ROUNDS / 4,
                    r -> {},
                    r -> assertThat(f.cpu.load(MmFixture.BASE)).isEqualTo((r + 1) * 40 & 0xff),
                    r -> repeat(20, () -> other.increment(MmFixture.BASE)),
                    r -> repeat(20, () -> third.increment(MmFixture.BASE)),
                    r -> repeat(5, () -> f.madvise(MmFixture.BASE, MmFixture.PAGE, Madv.PAGEOUT)));
            assertThat(f.sys.swap().pagesIn()).isPositive();
            f.audit();
        }
    }

    private static void repeat(int times, Runnable action) {
        for (int i = 0; i < times; i++) {
            action.run();
        }
    }

    @Test
    void sharedMemoryIsSwappedOutAndKeepsItsContent() {
        try (MmFixture f = machine(64L << 20)) {
            int pages = 2 * RAM_PAGES;
            mapShared(f, pages);
            for (int round = 0; round < 3; round++) {
                for (int i = 0; i < pages; i++) {
                    long address = MmFixture.BASE + i * MmFixture.PAGE;
                    if (round > 0) {
                        assertThat(f.cpu.load(address + 8) & 0xff).isEqualTo(i * 7 + round - 1 & 0xff);
                    }
                    f.cpu.store(address + 8, i * 7 + round & 0xff);
                }
            }
            assertThat(f.ctx.majFlt).isGreaterThan(pages);
            assertThat(f.sys.swap().filedSlots()).isGreaterThan(pages / 2);
            f.audit();
            MmFixture.ok(f.munmap(MmFixture.BASE, pages * MmFixture.PAGE));
            assertThat(f.sys.swap().freeSlots()).isEqualTo(f.sys.swap().totalSlots());
        }
    }

    @Test
    void withoutSwapSharedPagesThatNobodyWroteAreDropped() {
        try (MmFixture f = machine(0)) {
            mapShared(f, 4);
            f.cpu.store(MmFixture.BASE, 1);
            f.cpu.load(MmFixture.BASE + MmFixture.PAGE);
            AddressSpace memory = f.mm.vmas().find(MmFixture.BASE).file().mapping();
            assertThat(memory.cachedPages()).isEqualTo(2);

            MmFixture.ok(f.madvise(MmFixture.BASE, 4 * MmFixture.PAGE, Madv.PAGEOUT));

            assertThat(f.mm.rss(MmStruct.SHMEMPAGES)).isZero();
            assertThat(memory.isCached(0)).isTrue();
            assertThat(memory.cachedPages()).isEqualTo(1);
            assertThat(f.cpu.load(MmFixture.BASE)).isEqualTo(1);
            f.audit();
        }
    }

    @Test
    void aSharedPageReadBackFromSwapCountsAsWritten() {
        try (MmFixture f = machine(1L << 20)) {
            mapShared(f, 1);
            for (int round = 0; round < 3; round++) {
                if (round == 0) {
                    f.cpu.store(MmFixture.BASE, 7);
                }
                MmFixture.ok(f.madvise(MmFixture.BASE, MmFixture.PAGE, Madv.PAGEOUT));
                assertThat(f.sys.swap().filedSlots()).isEqualTo(1);
                assertThat(f.cpu.load(MmFixture.BASE)).isEqualTo(7);
                assertThat(f.sys.swap().filedSlots()).isZero();
            }
            f.audit();
        }
    }

    @Test
    void removedPagesOfSharedMemoryGiveTheirSlotsBackAndReadAsZeros() {
        try (MmFixture f = machine(64L << 20)) {
            int pages = 2 * RAM_PAGES;
            mapShared(f, pages);
            f.fill(MmFixture.BASE, pages, 1);
            long before = f.sys.swap().filedSlots();
            MmFixture.ok(f.madvise(MmFixture.BASE, pages / 2 * MmFixture.PAGE, Madv.REMOVE));
            assertThat(f.sys.swap().filedSlots()).isLessThan(before / 2 + RAM_PAGES);
            for (int i = 0; i < pages; i++) {
                int expected = i < pages / 2 ? 0 : i + 1 & 0xff;
                assertThat(f.cpu.load(MmFixture.BASE + i * MmFixture.PAGE) & 0xff)
                        .isEqualTo(expected);
            }
        }
    }

    /** Two address spaces write the same shared memory, one of them is torn down and made anew all the time. */
    @Test
    void sharedMemoryIsSwappedWhileOthersMapAndUnmapIt() throws InterruptedException {
        int rounds = Integer.getInteger("faultline.stress.rounds", 150);
        try (MmFixture f = machine(64L << 20)) {
            int pages = RAM_PAGES * 5 / 4;
            SharedMemory file = new SharedMemory(AddressSpace.shmem(f.sys.cache(), pages * MmFixture.PAGE));
            mapShared(f, f.mm, f.ctx, file, pages);
            AtomicReference<Throwable> failure = new AtomicReference<>();
            Thread other = new Thread(() -> {
                try {
                    for (int i = 0; i < rounds / 10; i++) {
                        MmStruct mm = f.newMm(MmLimits.ROOT);
                        ModelCpu cpu = f.newCpu(mm);
                        mapShared(f, mm, cpu.ctx, file, pages);
                        for (int page = i % 3; page < pages; page += 3) {
                            cpu.store(MmFixture.BASE + page * MmFixture.PAGE + 100, 9);
                        }
                        f.sys.exitMmap(mm);
                    }
                } catch (Throwable e) {
                    failure.compareAndSet(null, e);
                }
            });
            other.start();
            byte[] expected = new byte[pages];
            SplittableRandom random = new SplittableRandom(5);
            for (int i = 0; i < rounds * 40; i++) {
                int page = random.nextInt(pages);
                long address = MmFixture.BASE + page * MmFixture.PAGE + 8;
                assertThat((byte) f.cpu.load(address)).as("page %d", page).isEqualTo(expected[page]);
                expected[page] = (byte) random.nextInt();
                f.cpu.store(address, expected[page] & 0xff);
            }
            other.join();
            assertThat(failure.get()).isNull();
            f.audit();
            MmFixture.ok(f.munmap(MmFixture.BASE, pages * MmFixture.PAGE));
            file.mapping().truncate(0);
            assertThat(f.sys.swap().freeSlots()).isEqualTo(f.sys.swap().totalSlots());
        }
    }

    @Test
    void theBackgroundThreadFreesFramesUpToTheHighWatermark() {
        MemoryConfig config = MemoryConfig.defaults()
                .withMemBytes(RAM)
                .withSwapBytes(64L << 20)
                .withKswapd(true);
        try (MmFixture f = new MmFixture(config, MmLimits.ROOT)) {
            int pages = 2 * RAM_PAGES;
            f.map(MmFixture.BASE, pages);
            f.fill(MmFixture.BASE, pages, 3);
            // The task may be quick enough to find all frames itself: it goes on until the thread had a turn.
            for (int i = 0; f.sys.reclaimer().stolenInBackground() == 0 && i < 1_000_000; i++) {
                f.cpu.load(MmFixture.BASE + i % pages * MmFixture.PAGE);
                Thread.yield();
            }
            assertThat(f.sys.reclaimer().stolenInBackground()).isPositive();
            for (int i = 0; i < pages; i++) {
                assertThat(f.cpu.load(MmFixture.BASE + i * MmFixture.PAGE) & 0xff)
                        .isEqualTo(3 + i & 0xff);
            }
            f.audit();
        }
        assertThat(Thread.getAllStackTraces().keySet())
                .noneMatch(thread -> thread.getName().startsWith("kswapd"));
    }

    @Test
    void whenNothingCanBeFreedSomebodyIsAskedBeforeTheFaultFails() {
        try (MmFixture f = machine(4L << 20)) {
            AtomicInteger asked = new AtomicInteger();
            f.sys.reclaimer().setOutOfMemory(order -> asked.incrementAndGet() < 3);
            int pages = RAM_PAGES * 3 / 2;
            f.map(MmFixture.BASE, pages);
            int result = 0;
            for (int i = 0; i < pages && result == 0; i++) {
                f.ctx.mayWait = true;
                result = f.sys.faults()
                        .doUserAddrFault(
                                f.mm,
                                MmFixture.BASE + i * MmFixture.PAGE,
                                FaultHandler.PF_WRITE | FaultHandler.PF_USER,
                                f.ctx);
            }
            assertThat(result).isEqualTo(FaultHandler.FAULT_OOM);
            assertThat(asked.get()).isEqualTo(3);
        }
    }

    private static void mapShared(MmFixture f, int pages) {
        MmFixture.ok(f.mmap(
                MmFixture.BASE,
                pages * MmFixture.PAGE,
                MmFixture.RW,
                MmapFlags.SHARED | MmapFlags.FIXED | MmapFlags.ANONYMOUS));
    }

    private static void mapShared(MmFixture f, MmStruct mm, FaultContext ctx, MappedFile file, int pages) {
        MmFixture.ok(f.sys.mmap()
                .doMmap(
                        mm,
                        ctx,
                        MmFixture.BASE,
                        pages * MmFixture.PAGE,
                        MmFixture.RW,
                        MmapFlags.SHARED | MmapFlags.FIXED,
                        file,
                        0));
    }

    private static void compete(MmFixture f, MmStruct mm, ModelCpu cpu, int number, int rounds) {
        int pages = RAM_PAGES * 3 / 4;
        FaultContext ctx = cpu.ctx;
        MmFixture.ok(f.sys.mmap()
                .doMmap(mm, ctx, MmFixture.BASE, pages * MmFixture.PAGE, MmFixture.RW, MmFixture.FIXED, null, 0));
        SplittableRandom random = new SplittableRandom(number);
        byte[] expected = new byte[pages];
        for (int i = 0; i < rounds; i++) {
            int page = random.nextInt(pages);
            long address = MmFixture.BASE + page * MmFixture.PAGE + number * 16;
            byte found = (byte) cpu.load(address);
            if (found != expected[page]) {
                throw new AssertionError("page " + page + " of " + number + " is " + found + ", not " + expected[page]);
            }
            expected[page] = (byte) random.nextInt();
            cpu.store(address, expected[page] & 0xff);
        }
    }

    @Test
    void smapsSharesWhatForkSharesInSwapAndCountsWhatMemoryFilesHaveThere() {
        try (MmFixture f = machine(64L << 20)) {
            f.map(MmFixture.BASE, 12);
            f.fill(MmFixture.BASE, 12, 1);
            long shared = MmFixture.BASE + (4L << 20);
            MappedFile file = new SharedMemory(AddressSpace.shmem(f.sys.cache(), 8 * MmFixture.PAGE));
            MmFixture.ok(f.sys.mmap()
                    .doMmap(
                            f.mm,
                            f.ctx,
                            shared,
                            8 * MmFixture.PAGE,
                            MmFixture.RW,
                            MmapFlags.SHARED | MmapFlags.FIXED,
                            file,
                            0));
            f.fill(shared, 8, 1);
            MmFixture.ok(f.sys.madvise().run(f.mm, f.ctx, shared, 8 * MmFixture.PAGE, Madv.PAGEOUT));
            MmFixture.ok(f.sys.madvise().run(f.mm, f.ctx, MmFixture.BASE, 12 * MmFixture.PAGE, Madv.PAGEOUT));
            assertThat(swapLines(f)).containsExactly("48", "48", "32", "0");

            MmStruct child = f.newMm(MmLimits.ROOT);
            assertThat(f.sys.fork().dupMmap(child, f.mm, f.ctx)).isZero();
            assertThat(swapLines(f)).containsExactly("48", "24", "32", "0");
            assertThat(f.mm.rss(MmStruct.SWAPENTS))
                    .as("shared memory is not in VmSwap")
                    .isEqualTo(12);
            f.sys.exitMmap(child);
            file.mapping().truncate(0);
        }
    }

    /** Swap and SwapPss of each mapping, in KiB. */
    private static List<String> swapLines(MmFixture f) {
        return ProcSmaps.text(f.sys.tables(), f.sys.faultEnv().swap(), f.mm)
                .lines()
                .filter(line -> line.startsWith("Swap"))
                .map(line -> line.replaceAll("[^0-9]", ""))
                .toList();
    }
}
