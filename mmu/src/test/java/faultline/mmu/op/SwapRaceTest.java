package faultline.mmu.op;

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
import faultline.mmu.system.MemoryConfig;
import faultline.mmu.system.MmFixture;
import faultline.mmu.table.MoveHook;
import faultline.mmu.table.MoveMode;
import faultline.mmu.table.Pte;
import faultline.mmu.table.PtlMode;
import faultline.mmu.tlb.AddressSpaceTlb;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Reclaim looks through a family's mappings for a page while mremap moves it and fork copies it. */
@Timeout(300)
class SwapRaceTest {
    private static final int MOVE = MmapFlags.MREMAP_MAYMOVE | MmapFlags.MREMAP_FIXED;
    private static final long SECONDS = 30;

    // ---- the walk and the move, step by step

    /**
     * One page, mapped by parent and child. Reclaim's walk meets the family's mappings in the order of their first
     * pages:
     *
     * <pre>
     *   page of the family   0    1    2
     *   destination        [ N    N ][ D ]    D is what mremap adds to N, empty at first
     *   child                   [ C    C ]    its flush says where the walk is
     *   source                       [ S ]    the page that moves
     * </pre>
     *
     * A move between the visits to N and S hides the page from the walk.
     */
    private static final class Scene implements AutoCloseable {
        private static final long DESTINATION = BASE + 2 * PAGE;
        private static final long SOURCE = BASE + 100 * PAGE;

        final MmFixture m =
                new MmFixture(MemoryConfig.defaults().withMemBytes(16L << 20).withSwapBytes(1L << 20), MmLimits.ROOT);
        private final CountDownLatch passedDestination = new CountDownLatch(1);
        private final CountDownLatch mayReachSource = new CountDownLatch(1);
        private final AtomicReference<Throwable> failure = new AtomicReference<>();
        private final long pfn;
        private boolean watched;
        private boolean reclaimed;
        private Thread walk;

        Scene() {
            m.map(BASE, 3);
            m.fill(BASE, 3, 10);
            MmStruct child = m.sys.newMm(new Bystander(), MmLimits.ROOT);
            assertThat(m.sys.fork().dupMmap(child, m.mm, m.ctx)).isZero();
            assertThat(m.sys.munmap().run(child, BASE, PAGE)).isZero();
            assertThat(m.mremap(DESTINATION, PAGE, PAGE, MOVE, SOURCE)).isEqualTo(SOURCE);
            pfn = Pte.pfn(entry(SOURCE));
            watched = true;
        }

        private final class Bystander implements AddressSpaceTlb {
            @Override
            public void flushPage(long addr) {
                if (watched) {
                    passedDestination.countDown();
                    await(mayReachSource);
                }
            }

            @Override
            public void flushRange(long start, long end) {
                flushPage(start);
            }

            @Override
            public void flushAll() {
                flushPage(0);
            }
        }

        private void await(CountDownLatch latch) {
            try {
                if (!latch.await(SECONDS, TimeUnit.SECONDS)) {
                    failure.set(new AssertionError("nobody came"));
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        long entry(long address) {
            long pmd = m.sys.tables().walkToPmd(m.mm.pgd(), address);
            return m.sys.phys().getLong(m.sys.tables().pteOffset(pmd, address));
        }

        void startWalk() {
            m.sys.phys().frames().get(pfn);
            walk = Thread.ofPlatform().start(() -> reclaimed = m.sys.reclaimer().pageOut(pfn));
        }

        void move() {
            assertThat(m.mremap(SOURCE, PAGE, PAGE, MOVE, DESTINATION)).isEqualTo(DESTINATION);
        }

        /** Whether the walk found the page wherever it was mapped. */
        boolean wasFound() throws InterruptedException {
            walk.join();
            assertThat(failure.get()).isNull();
            assertThat(Pte.isSwap(entry(DESTINATION))).isEqualTo(reclaimed);
            assertThat(m.cpu.load(DESTINATION)).isEqualTo(12);
            return reclaimed;
        }

        @Override
        public void close() {
            watched = false;
            mayReachSource.countDown();
            m.close();
        }
    }

    @Test
    void withoutTheRuleTheWalkMissesAPageThatMoves() throws Exception {
        try (Scene scene = new Scene()) {
            scene.m.sys.mremap().env().moveHook = rule -> new MoveHook() {
                @Override
                public void lock() {
                    scene.startWalk();
                    scene.await(scene.passedDestination);
                }

                @Override
                public void unlock() {
                    scene.mayReachSource.countDown();
                }
            };
            scene.move();
            assertThat(scene.wasFound()).isFalse();
        }
    }

    @Test
    void withTheRuleTheMoveWaitsForTheWalk() throws Exception {
        try (Scene scene = new Scene()) {
            scene.m.sys.mremap().env().moveHook = rule -> new MoveHook() {
                @Override
                public void lock() {
                    scene.startWalk();
                    scene.await(scene.passedDestination);
                    scene.mayReachSource.countDown();
                    rule.lock();
                }

                @Override
                public void unlock() {
                    rule.unlock();
                }
            };
            scene.move();
            assertThat(scene.wasFound()).isTrue();
        }
    }

    // ---- and at random

    private static final int PAGES = 512;
    private static final int COUNTERS = 24;
    /**
     * Aligned, so that whole tables move where that is allowed; the other place has no table of its own at all times.
     */
    private static final long ONE = BASE;

    private static final long TWO = BASE + (64L << 20);
    private static final long THREE = BASE + (96L << 20) + 5 * PAGE;

    /** Counters spread over the area, each on its page. */
    private static long counter(int number) {
        return (long) number * 21 * PAGE + 8;
    }

    /** Adds to counters wherever the area is by now. @return how many */
    private static int count(ModelCpu cpu, SplittableRandom random) {
        int counted = 0;
        for (int i = 0; i < 30; i++) {
            long place = counter(random.nextInt(COUNTERS));
            for (long area : new long[] {ONE, TWO, THREE}) {
                try {
                    cpu.increment(area + place);
                    counted++;
                    break;
                } catch (ModelCpu.Signal e) {
                    assertThat(e.signo).isEqualTo(11);
                }
            }
        }
        return counted;
    }

    private static void move(MmFixture m, FaultContext ctx, int round) {
        long[] places = {ONE, TWO, THREE};
        for (int i = 0; i < places.length; i++) {
            long from = places[(round + i) % 3];
            long to = places[(round + i + 1) % 3];
            if (m.mm.vmas().lookup(from) != null) {
                assertThat(m.sys.mremap().run(m.mm, ctx, from, PAGES * PAGE, PAGES * PAGE, MOVE, to))
                        .isEqualTo(to);
            }
        }
    }

    /** A child sees what the parent had at one moment, also after it has all been swapped out. */
    private static void fork(MmFixture m, FaultContext ctx) {
        ModelCpu.Tlbs tlbs = new ModelCpu.Tlbs();
        MmStruct child = m.sys.newMm(tlbs, MmLimits.ROOT);
        assertThat(m.sys.fork().dupMmap(child, m.mm, ctx)).isZero();
        long area = child.vmas().first().start();
        ModelCpu cpu = new ModelCpu(child, m.sys.faults(), tlbs);
        int[] seen = new int[COUNTERS];
        for (int i = 0; i < COUNTERS; i++) {
            seen[i] = cpu.load(area + counter(i));
        }
        m.sys.madvise().run(child, ctx, area, PAGES * PAGE, Madv.PAGEOUT);
        for (int i = 0; i < COUNTERS; i++) {
            assertThat(cpu.load(area + counter(i))).isEqualTo(seen[i]);
            cpu.store(area + counter(i), 255);
        }
        m.sys.exitMmap(child);
    }

    private static void reclaim(MmFixture m, FaultContext ctx) {
        for (long area : new long[] {ONE, TWO, THREE}) {
            m.sys.madvise().run(m.mm, ctx, area, PAGES * PAGE, Madv.PAGEOUT);
        }
        m.sys.reclaimer().reclaim(0);
    }

    @ParameterizedTest
    @CsvSource({"SPLIT,PMD", "SPLIT,EXTENT", "MM,PMD", "MM,PAGE"})
    void nothingIsLostWhileTheAreaIsSwappedMovedAndForked(PtlMode ptl, MoveMode move) throws Exception {
        MemoryConfig config = MemoryConfig.defaults()
                .withMemBytes(8L << 20)
                .withSwapBytes(32L << 20)
                .withPtl(ptl)
                .withMove(move);
        try (MmFixture m = new MmFixture(config, MmLimits.ROOT)) {
            m.map(ONE, PAGES);
            ModelCpu one = m.newCpu(m.mm);
            ModelCpu two = m.newCpu(m.mm);
            SplittableRandom[] random = {new SplittableRandom(1), new SplittableRandom(2)};
            int[] counted = new int[2];
            FaultContext mover = new FaultContext();
            FaultContext forker = new FaultContext();
            FaultContext swapper = new FaultContext();
            Race.run(
                    Race.ROUNDS / 16,
                    round -> {},
                    round -> m.audit(),
                    round -> counted[0] += count(one, random[0]),
                    round -> counted[1] += count(two, random[1]),
                    round -> move(m, mover, round),
                    round -> fork(m, forker),
                    round -> reclaim(m, swapper));
            long area = m.mm.vmas().first().start();
            int sum = 0;
            for (int i = 0; i < COUNTERS; i++) {
                sum += m.cpu.increment(area + counter(i));
            }
            assertThat(counted[0]).isPositive();
            assertThat(sum).isEqualTo(counted[0] + counted[1]);
            assertThat(m.sys.swap().pagesOut()).isPositive();
        }
    }

    // ---- the end of an address space

    private static final int PRIVATE_PAGES = 700;
    private static final int FILE_PAGES = 600;

    /** A process that has more than its share of memory, comes back to some of it, and ends. */
    private static void live(MmFixture m, MemoryFile file, SplittableRandom random) {
        MmStruct mm = m.newMm(MmLimits.ROOT);
        ModelCpu cpu = m.newCpu(mm);
        m.sys.mmap().doMmap(mm, cpu.ctx, ONE, PRIVATE_PAGES * PAGE, MmFixture.RW, MmFixture.FIXED, null, 0);
        int ofFile = MmapFlags.PRIVATE | MmapFlags.FIXED;
        m.sys.mmap().doMmap(mm, cpu.ctx, TWO, FILE_PAGES * PAGE, MmFixture.RW, ofFile, file, 0);
        for (int page = 0; page < PRIVATE_PAGES; page++) {
            cpu.store(ONE + page * PAGE, page);
        }
        for (int i = 0; i < PRIVATE_PAGES; i++) {
            int page = random.nextInt(PRIVATE_PAGES);
            assertThat(cpu.load(ONE + page * PAGE) & 0xff).isEqualTo(page & 0xff);
            assertThat(cpu.load(TWO + page % FILE_PAGES * PAGE) & 0xff).isEqualTo(page % FILE_PAGES + 1 & 0xff);
        }
        m.sys.exitMmap(mm);
    }

    /**
     * Reclaim has pages in its hands when their last user leaves, and looks at frames that were just allocated: none of
     * them, and no slot, stays behind.
     */
    @Test
    void whatEndsWhileItIsSwappedOutLeavesNothing() throws Exception {
        MemoryConfig config = MemoryConfig.defaults()
                .withMemBytes(4L << 20)
                .withSwapBytes(32L << 20)
                .withKswapd(true);
        try (MmFixture m = new MmFixture(config, MmLimits.ROOT)) {
            MemoryFile file = m.file(FILE_PAGES);
            SplittableRandom[] random = {new SplittableRandom(1), new SplittableRandom(2)};
            Race.run(
                    Race.ROUNDS / 16,
                    round -> {},
                    round -> {
                        m.audit();
                        assertThat(m.sys.swap().freeSlots())
                                .as("round %d", round)
                                .isEqualTo(m.sys.swap().totalSlots());
                    },
                    round -> live(m, file, random[0]),
                    round -> live(m, file, random[1]),
                    round -> m.sys.reclaimer().reclaim(0));
            assertThat(m.sys.swap().pagesOut()).isPositive();
        }
    }
}
