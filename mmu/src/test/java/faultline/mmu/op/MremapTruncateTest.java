package faultline.mmu.op;

import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.PAGE;
import static faultline.mmu.system.MmFixture.RW;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.FaultHandler;
import faultline.mmu.fault.MemoryFile;
import faultline.mmu.fault.ModelCpu;
import faultline.mmu.fault.Race;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.system.MemoryConfig;
import faultline.mmu.system.MmFixture;
import faultline.mmu.table.MoveHook;
import faultline.mmu.table.MoveMode;
import faultline.mmu.tlb.AddressSpaceTlb;
import faultline.mmu.view.PageMap;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A file is cut while one of its mappings moves (seed 003): no page of what was cut may be carried past the knife. */
class MremapTruncateTest {
    private static final int SHARED = MmapFlags.SHARED | MmapFlags.FIXED;
    private static final int MOVE = MmapFlags.MREMAP_MAYMOVE | MmapFlags.MREMAP_FIXED;
    private static final long SECONDS = 30;

    // ---- the interleaving that the rule is for, step by step

    /**
     * Three mappings of a file, which a walk meets in this order:
     *
     * <pre>
     *   page of the file   0    1    2
     *   destination      [ N    N ][ D ]    D is what mremap adds to N, empty at first
     *   bystander             [ X    X ]    another address space: its flush says where the walk is
     *   source                     [ S ]    the page that moves
     * </pre>
     */
    private static final class Scene implements AutoCloseable {
        private static final long DESTINATION = BASE + 2 * PAGE;
        private static final long SOURCE = BASE + 100 * PAGE;

        final MmFixture m = new MmFixture();
        final MemoryFile file = m.file(3);
        private final CountDownLatch passedDestination = new CountDownLatch(1);
        private final CountDownLatch mayReachSource = new CountDownLatch(1);
        private final AtomicReference<Throwable> failure = new AtomicReference<>();
        private Thread walk;

        Scene() {
            MmFixture.ok(m.mmap(BASE, 2 * PAGE, RW, SHARED, file, 0));
            MmStruct other = m.sys.newMm(new Bystander(), MmLimits.ROOT);
            MmFixture.ok(m.sys.mmap().doMmap(other, m.ctx, BASE, 2 * PAGE, RW, SHARED, file, 1));
            int outcome = m.sys.faults().doUserAddrFault(other, BASE + PAGE, FaultHandler.PF_WRITE, new FaultContext());
            assertThat(outcome).isEqualTo(FaultHandler.FAULT_DONE);
            MmFixture.ok(m.mmap(SOURCE, PAGE, RW, SHARED, file, 2));
            m.cpu.store(SOURCE, 7);
        }

        private final class Bystander implements AddressSpaceTlb {
            @Override
            public void flushPage(long addr) {
                passedDestination.countDown();
                await(mayReachSource);
            }

            @Override
            public void flushRange(long start, long end) {
                flushPage(start);
            }

            @Override
            public void flushAll() {
                // no translations are kept
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

        void startWalk() {
            walk = Thread.ofPlatform()
                    .start(() -> m.sys.cache().walker().unmapMappingPages(file.mapping(), 2, 2, true));
        }

        void awaitDestinationPassed() {
            await(passedDestination);
        }

        void letWalkGoOn() {
            mayReachSource.countDown();
        }

        void move() {
            assertThat(m.mremap(SOURCE, PAGE, PAGE, MOVE, DESTINATION)).isEqualTo(DESTINATION);
        }

        /** Whether the page that the walk was to take out of every page table is still in one. */
        boolean isStale() throws InterruptedException {
            walk.join();
            assertThat(failure.get()).isNull();
            long[] entry = new long[1];
            PageMap.read(m.sys.tables(), m.mm, DESTINATION, entry, false);
            return (entry[0] & PageMap.PRESENT) != 0;
        }

        @Override
        public void close() {
            letWalkGoOn();
            m.close();
        }
    }

    @Test
    void withoutTheRuleAPageIsCarriedPastTheWalk() throws Exception {
        try (Scene scene = new Scene()) {
            scene.m.sys.mremap().env().moveHook = rule -> new MoveHook() {
                @Override
                public void lock() {
                    scene.startWalk();
                    scene.awaitDestinationPassed();
                }

                @Override
                public void unlock() {
                    scene.letWalkGoOn();
                }
            };
            scene.move();
            assertThat(scene.isStale()).as("a stale page").isTrue();
        }
    }

    @Test
    void withTheRuleTheMoveWaitsForTheWalk() throws Exception {
        try (Scene scene = new Scene()) {
            scene.m.sys.mremap().env().moveHook = rule -> new MoveHook() {
                @Override
                public void lock() {
                    scene.startWalk();
                    scene.awaitDestinationPassed();
                    scene.letWalkGoOn();
                    rule.lock();
                }

                @Override
                public void unlock() {
                    rule.unlock();
                }
            };
            scene.move();
            assertThat(scene.isStale()).as("a stale page").isFalse();
        }
    }

    @Test
    void withTheRuleTheWalkWaitsForTheMove() throws Exception {
        try (Scene scene = new Scene()) {
            scene.letWalkGoOn();
            scene.m.sys.mremap().env().moveHook = rule -> new MoveHook() {
                @Override
                public void lock() {
                    rule.lock();
                    scene.startWalk();
                }

                @Override
                public void unlock() {
                    rule.unlock();
                }
            };
            scene.move();
            assertThat(scene.isStale()).as("a stale page").isFalse();
        }
    }

    // ---- and at random

    private static final int PAGES = 8;
    /** Truncations; a million with {@code -Dfaultline.stress=50}. */
    private static final int ROUNDS = 10 * Race.ROUNDS;

    /** Each range crosses a page-table's end at another page, so that extents end everywhere. */
    private static final long ONE = BASE + (2L << 20) - 3 * PAGE;

    private static final long TWO = BASE + (64L << 20) - 5 * PAGE;

    @ParameterizedTest
    @EnumSource(MoveMode.class)
    void noPageBeyondTheEndStaysMappedWhileTheMappingMoves(MoveMode mode) throws Exception {
        try (MmFixture m =
                new MmFixture(MemoryConfig.defaults().withMemBytes(64L << 20).withMove(mode), MmLimits.ROOT)) {
            MemoryFile file = m.file(PAGES);
            MmFixture.ok(m.mmap(ONE, PAGES * PAGE, RW, SHARED, file, 0));
            AtomicReference<Throwable> failure = new AtomicReference<>();
            AtomicBoolean over = new AtomicBoolean();
            Thread mover = contestant(failure, over, () -> moveToAndFro(m));
            SplittableRandom random = new SplittableRandom(1);
            ModelCpu cpu = m.newCpu(m.mm);
            Thread toucher = contestant(failure, over, () -> touch(cpu, random));
            try {
                for (int round = 0; round < ROUNDS && failure.get() == null; round++) {
                    assertThat(file.mapping().truncate(PAGE, file::resizeTo)).isZero();
                    assertThat(mappedBeyondTheEnd(m, ONE) | mappedBeyondTheEnd(m, TWO))
                            .as("stale pages, round " + round)
                            .isZero();
                    assertThat(file.mapping().truncate(PAGES * PAGE, file::resizeTo))
                            .isZero();
                }
            } finally {
                over.set(true);
                mover.join();
                toucher.join();
            }
            assertThat(failure.get()).isNull();
        }
    }

    private static Thread contestant(AtomicReference<Throwable> failure, AtomicBoolean over, Runnable step) {
        return Thread.ofPlatform().start(() -> {
            try {
                while (!over.get()) {
                    step.run();
                }
            } catch (Throwable e) {
                failure.set(e);
            }
        });
    }

    private static void moveToAndFro(MmFixture m) {
        FaultContext ctx = new FaultContext();
        assertThat(m.sys.mremap().run(m.mm, ctx, ONE, PAGES * PAGE, PAGES * PAGE, MOVE, TWO))
                .isEqualTo(TWO);
        assertThat(m.sys.mremap().run(m.mm, ctx, TWO, PAGES * PAGE, PAGES * PAGE, MOVE, ONE))
                .isEqualTo(ONE);
    }

    /** Accesses a page where the mapping is or was; both SIGSEGV and SIGBUS are right answers. */
    private static void touch(ModelCpu cpu, SplittableRandom random) {
        long address = (random.nextBoolean() ? ONE : TWO) + random.nextInt(PAGES) * PAGE;
        try {
            if (random.nextBoolean()) {
                cpu.store(address, 1);
            } else {
                cpu.load(address);
            }
        } catch (ModelCpu.Signal e) {
            assertThat(e.signo).isIn(7, 11);
        }
    }

    private static int mappedBeyondTheEnd(MmFixture m, long start) {
        long[] entries = new long[PAGES];
        PageMap.read(m.sys.tables(), m.mm, start, entries, false);
        int mapped = 0;
        for (int i = 1; i < PAGES; i++) {
            mapped += (entries[i] & PageMap.PRESENT) != 0 ? 1 : 0;
        }
        return mapped;
    }
}
