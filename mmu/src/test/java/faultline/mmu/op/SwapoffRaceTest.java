package faultline.mmu.op;

import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.PAGE;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.Errno;
import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.ModelCpu;
import faultline.mmu.fault.Race;
import faultline.mmu.fault.SharedMemory;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.mm.Madv;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.swap.SwapArea;
import faultline.mmu.swap.SwapImage;
import faultline.mmu.system.MemoryConfig;
import faultline.mmu.system.MmFixture;
import faultline.mmu.table.PtlMode;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Areas come and go while their pages are touched, swapped out again, moved, shared by fork, and dropped at exit. */
@Timeout(300)
class SwapoffRaceTest {
    private static final int MOVE = MmapFlags.MREMAP_MAYMOVE | MmapFlags.MREMAP_FIXED;
    private static final int PAGES = 256;
    private static final long ONE = BASE;
    private static final long TWO = BASE + (64L << 20);
    private static final int ROUNDS = Race.ROUNDS / 20;

    private static void turnOver(MmFixture m) {
        SwapImage fresh = new SwapImage("/fresh", 4096);
        assertThat(m.sys.swapon().run(fresh, fresh.size(), 0)).isZero();
        List<SwapArea> areas = m.sys.swap().areas().all();
        SwapArea oldest =
                areas.stream().filter(area -> area.store() != fresh).findFirst().orElseThrow();
        assertThat(m.sys.swapoff().run(oldest, () -> false)).isZero();
        assertThat(((SwapImage) oldest.store()).isClosed()).isTrue();
    }

    private static MmFixture machine(PtlMode ptl) {
        MmFixture m =
                new MmFixture(MemoryConfig.defaults().withMemBytes(8L << 20).withPtl(ptl), MmLimits.ROOT);
        SwapImage first = new SwapImage("/first", 4096);
        assertThat(m.sys.swapon().run(first, first.size(), 0)).isZero();
        return m;
    }

    private static int increment(ModelCpu cpu, SplittableRandom random, int times) {
        int done = 0;
        for (int i = 0; i < times; i++) {
            long place = random.nextInt(PAGES) * PAGE;
            for (long area : new long[] {ONE, TWO}) {
                try {
                    cpu.increment(area + place + 8);
                    done++;
                    break;
                } catch (ModelCpu.Signal e) {
                    assertThat(e.signo).isEqualTo(11);
                }
            }
        }
        return done;
    }

    private static void move(MmFixture m, FaultContext ctx) {
        long from = m.mm.vmas().lookup(ONE) != null ? ONE : TWO;
        long to = from == ONE ? TWO : ONE;
        assertThat(m.sys.mremap().run(m.mm, ctx, from, PAGES * PAGE, PAGES * PAGE, MOVE, to))
                .isEqualTo(to);
    }

    private static void forkAndExit(MmFixture m, FaultContext ctx) {
        ModelCpu.Tlbs tlbs = new ModelCpu.Tlbs();
        MmStruct child = m.sys.newMm(tlbs, MmLimits.ROOT);
        assertThat(m.sys.fork().dupMmap(child, m.mm, ctx)).isZero();
        long area = child.vmas().first().start();
        ModelCpu cpu = new ModelCpu(child, m.sys.faults(), tlbs);
        int seen = cpu.load(area + 8);
        m.sys.madvise().run(child, cpu.ctx, area, PAGES * PAGE, Madv.PAGEOUT);
        assertThat(cpu.load(area + 8)).isEqualTo(seen);
        m.sys.exitMmap(child);
    }

    private static void pageOut(MmFixture m, FaultContext ctx) {
        for (long area : new long[] {ONE, TWO}) {
            m.sys.madvise().run(m.mm, ctx, area, PAGES * PAGE, Madv.PAGEOUT);
        }
    }

    @ParameterizedTest
    @EnumSource(PtlMode.class)
    void nothingIsLostWhileAreasComeAndGo(PtlMode ptl) throws Exception {
        try (MmFixture m = machine(ptl)) {
            m.map(ONE, PAGES);
            ModelCpu one = m.newCpu(m.mm);
            ModelCpu two = m.newCpu(m.mm);
            SplittableRandom[] random = {new SplittableRandom(1), new SplittableRandom(2)};
            int[] counted = new int[2];
            FaultContext mover = new FaultContext();
            FaultContext forker = new FaultContext();
            FaultContext swapper = new FaultContext();
            Race.run(
                    ROUNDS,
                    round -> pageOut(m, swapper),
                    round -> m.audit(),
                    round -> counted[0] += increment(one, random[0], 60),
                    round -> counted[1] += increment(two, random[1], 60),
                    round -> move(m, mover),
                    round -> forkAndExit(m, forker),
                    round -> pageOut(m, swapper),
                    round -> turnOver(m));
            long area = m.mm.vmas().first().start();
            int[] sum = new int[1];
            for (int i = 0; i < PAGES; i++) {
                sum[0] += m.cpu.load(area + i * PAGE + 8) & 0xff;
            }
            assertThat(counted[0]).isPositive();
            assertThat(sum[0] & 0xff).isEqualTo(counted[0] + counted[1] & 0xff);
            assertThat(m.sys.swap().pagesIn()).isPositive();
        }
    }

    /** Two tasks take the same area off: one of them does. */
    @Test
    void oneOfTwoTakesAnAreaOff() throws Exception {
        try (MmFixture m = machine(PtlMode.SPLIT)) {
            m.map(ONE, PAGES);
            m.fill(ONE, PAGES, 1);
            SwapArea[] area = new SwapArea[1];
            long[] results = new long[2];
            Race.run(
                    ROUNDS,
                    round -> {
                        area[0] = m.sys.swap().areas().all().getFirst();
                        pageOut(m, m.ctx);
                    },
                    round -> {
                        assertThat(results).containsExactlyInAnyOrder(0, -Errno.EINVAL);
                        SwapImage next = new SwapImage("/next", 4096);
                        assertThat(m.sys.swapon().run(next, next.size(), 0)).isZero();
                    },
                    round -> results[0] = m.sys.swapoff().run(area[0], () -> false),
                    round -> results[1] = m.sys.swapoff().run(area[0], () -> false));
        }
    }

    /** Shared memory is written, truncated and swapped while the area below it changes. */
    @Test
    void sharedMemoryFollowsFromAreaToArea() throws Exception {
        try (MmFixture m = machine(PtlMode.SPLIT)) {
            AddressSpace memory = AddressSpace.shmem(m.sys.cache(), 2 * PAGES * PAGE);
            MmFixture.ok(m.sys.mmap()
                    .doMmap(
                            m.mm,
                            m.ctx,
                            ONE,
                            2 * PAGES * PAGE,
                            MmFixture.RW,
                            MmapFlags.SHARED | MmapFlags.FIXED,
                            new SharedMemory(memory),
                            0));
            ModelCpu cpu = m.newCpu(m.mm);
            SplittableRandom random = new SplittableRandom(3);
            byte[] expected = new byte[PAGES];
            FaultContext swapper = new FaultContext();
            Race.run(
                    ROUNDS,
                    round -> m.sys.madvise().run(m.mm, swapper, ONE, 2 * PAGES * PAGE, Madv.PAGEOUT),
                    round -> m.audit(),
                    round -> touch(cpu, random, expected),
                    round -> m.sys.madvise().run(m.mm, swapper, ONE, 2 * PAGES * PAGE, Madv.PAGEOUT),
                    round -> {
                        memory.truncate(PAGES * PAGE);
                        memory.truncate(2 * PAGES * PAGE);
                    },
                    round -> turnOver(m));
            MmFixture.ok(m.munmap(ONE, 2 * PAGES * PAGE));
            memory.truncate(0);
            assertThat(m.sys.swap().freeSlots()).isEqualTo(m.sys.swap().totalSlots());
        }
    }

    private static void touch(ModelCpu cpu, SplittableRandom random, byte[] expected) {
        for (int i = 0; i < 60; i++) {
            int page = random.nextInt(expected.length);
            long address = ONE + page * PAGE + 8;
            assertThat((byte) cpu.load(address)).as("page %d", page).isEqualTo(expected[page]);
            expected[page] = (byte) random.nextInt();
            cpu.store(address, expected[page] & 0xff);
        }
    }
}
