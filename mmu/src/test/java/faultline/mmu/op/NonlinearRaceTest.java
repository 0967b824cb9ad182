package faultline.mmu.op;

import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.PAGE;
import static faultline.mmu.system.MmFixture.RW;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.Errno;
import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.MemoryFile;
import faultline.mmu.fault.ModelCpu;
import faultline.mmu.fault.Race;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.RemapMode;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.system.MemoryConfig;
import faultline.mmu.system.MmFixture;
import faultline.mmu.table.PtlMode;
import faultline.mmu.view.PageMap;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** One nonlinear mapping, and all at once who turns, touches, moves, copies, cuts, cleans and reclaims its pages. */
@Timeout(300)
class NonlinearRaceTest {
    private static final int SHARED = MmapFlags.SHARED | MmapFlags.FIXED;
    private static final int MOVE = MmapFlags.MREMAP_MAYMOVE | MmapFlags.MREMAP_FIXED;
    private static final int FILE_PAGES = 16;
    private static final int PAGES = 48;

    /** The range crosses a page-table's end. */
    private static final long ONE = BASE + (2L << 20) - 13 * PAGE;

    private static final long TWO = BASE + (64L << 20) - 7 * PAGE;

    private static MmFixture machine(PtlMode ptl) {
        MemoryConfig config =
                MemoryConfig.defaults().withMemBytes(16L << 20).withPtl(ptl).withRemap(RemapMode.NONLINEAR);
        return new MmFixture(config, MmLimits.ROOT);
    }

    /** Threads that repeat a step each until told to end. */
    private static final class Crowd {
        private final AtomicReference<Throwable> failure = new AtomicReference<>();
        private final AtomicBoolean over = new AtomicBoolean();
        private final List<Thread> threads = new ArrayList<>();

        void add(Consumer<SplittableRandom> step) {
            SplittableRandom random = new SplittableRandom(threads.size());
            threads.add(Thread.ofPlatform().start(() -> {
                try {
                    while (!over.get()) {
                        step.accept(random);
                    }
                } catch (Throwable e) {
                    failure.compareAndSet(null, e);
                }
            }));
        }

        void disperse() throws InterruptedException {
            over.set(true);
            for (Thread thread : threads) {
                thread.join();
            }
            if (failure.get() != null) {
                throw new AssertionError("one of the crowd failed", failure.get());
            }
        }
    }

    private static void remap(MmFixture m, FaultContext ctx, SplittableRandom random) {
        int page = random.nextInt(PAGES);
        int count = 1 + random.nextInt(Math.min(PAGES - page, FILE_PAGES));
        long at = (random.nextBoolean() ? ONE : TWO) + page * PAGE;
        int flags = random.nextBoolean() ? MmapFlags.NONBLOCK : 0;
        long pgoff = random.nextInt(FILE_PAGES);
        // -EINVAL while the mapping is at the other place
        assertThat(m.sys.remapFilePages().run(m.mm, ctx, at, count * PAGE, 0, pgoff, flags))
                .isIn(0L, (long) -Errno.EINVAL);
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

    private static void moveToAndFro(MmFixture m, FaultContext ctx) {
        long bytes = PAGES * PAGE;
        assertThat(m.sys.mremap().run(m.mm, ctx, ONE, bytes, bytes, MOVE, TWO)).isEqualTo(TWO);
        assertThat(m.sys.mremap().run(m.mm, ctx, TWO, bytes, bytes, MOVE, ONE)).isEqualTo(ONE);
    }

    private static void forkAndExit(MmFixture m, FaultContext ctx) {
        MmStruct child = m.sys.newMm(MmLimits.ROOT);
        assertThat(m.sys.fork().dupMmap(child, m.mm, ctx)).isZero();
        m.sys.exitMmap(child);
    }

    /** How many entries show a page of the file from {@code first} on. */
    private static int shown(MmFixture m, long start, long first) {
        long[] entries = new long[PAGES];
        PageMap.read(m.sys.tables(), m.mm, start, entries, true);
        FrameTable frames = m.sys.phys().frames();
        int found = 0;
        for (long entry : entries) {
            boolean present = (entry & PageMap.PRESENT) != 0;
            found += present && frames.index(entry & PageMap.PFN_MASK) >= first ? 1 : 0;
        }
        return found;
    }

    @ParameterizedTest
    @EnumSource(PtlMode.class)
    void noPageBeyondTheEndIsShownWhateverElseGoesOn(PtlMode ptl) throws Exception {
        try (MmFixture m = machine(ptl)) {
            MemoryFile file = m.file(FILE_PAGES);
            MmFixture.ok(m.mmap(ONE, PAGES * PAGE, RW, SHARED, file, 0));
            Crowd crowd = new Crowd();
            for (int i = 0; i < 2; i++) {
                FaultContext ctx = new FaultContext();
                ModelCpu cpu = m.newCpu(m.mm);
                crowd.add(random -> remap(m, ctx, random));
                crowd.add(random -> touch(cpu, random));
            }
            FaultContext mover = new FaultContext();
            FaultContext forker = new FaultContext();
            crowd.add(random -> moveToAndFro(m, mover));
            crowd.add(random -> forkAndExit(m, forker));
            crowd.add(random -> m.sys.reclaimer().reclaim(0));
            crowd.add(random -> file.mapping().writeback(0, Long.MAX_VALUE));
            try {
                for (int round = 0; round < Race.ROUNDS / 2 && crowd.failure.get() == null; round++) {
                    int pages = 1 + round % 3;
                    assertThat(file.mapping().truncate(pages * PAGE, file::resizeTo))
                            .isZero();
                    assertThat(shown(m, ONE, pages) + shown(m, TWO, pages))
                            .as("stale pages, round %d", round)
                            .isZero();
                    assertThat(file.mapping().truncate(FILE_PAGES * PAGE, file::resizeTo))
                            .isZero();
                }
            } finally {
                crowd.disperse();
            }
        }
    }

    /**
     * Two processors count in one page of the file, each through an address of its own, while the page is remapped
     * there, unmapped, written out and dropped: what one of these forgets to pass on is a count too few.
     */
    @ParameterizedTest
    @EnumSource(PtlMode.class)
    void noStoreIsLost(PtlMode ptl) throws Exception {
        try (MmFixture m = machine(ptl)) {
            MemoryFile file = m.file(FILE_PAGES);
            int counter = 5;
            MmFixture.ok(m.mmap(ONE, PAGES * PAGE, RW, SHARED, file, 0));
            long left = ONE + 2 * PAGE + 8;
            long right = ONE + 40 * PAGE + 8;
            ModelCpu one = m.newCpu(m.mm);
            ModelCpu two = m.newCpu(m.mm);
            ModelCpu reader = m.newCpu(m.mm);
            FaultContext remapper = new FaultContext();
            show(m, remapper, left, counter);
            show(m, remapper, right, counter);
            Race.run(
                    Race.ROUNDS / 4,
                    round -> {},
                    round -> assertThat(reader.increment(left)).isEqualTo((round + 1) * 40 + round),
                    round -> repeat(20, () -> one.increment(left)),
                    round -> repeat(20, () -> two.increment(right)),
                    round -> repeat(10, () -> show(m, remapper, round % 2 == 0 ? left : right, counter)),
                    round -> repeat(3, () -> pageOut(m, file, counter)),
                    round -> file.mapping().writeback(0, Long.MAX_VALUE));
        }
    }

    private static void show(MmFixture m, FaultContext ctx, long address, int page) {
        assertThat(m.sys.remapFilePages().run(m.mm, ctx, address & -PAGE, PAGE, 0, page, 0))
                .isZero();
    }

    private static void pageOut(MmFixture m, MemoryFile file, int page) {
        long pfn = file.mapping().findPage(page);
        if (pfn >= 0) {
            m.sys.reclaimer().pageOut(pfn);
        }
    }

    private static void repeat(int times, Runnable action) {
        for (int i = 0; i < times; i++) {
            action.run();
        }
    }
}
