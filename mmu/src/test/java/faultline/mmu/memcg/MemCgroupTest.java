package faultline.mmu.memcg;

import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.PAGE;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.fault.FaultHandler;
import faultline.mmu.fault.MemoryFile;
import faultline.mmu.fault.ModelCpu;
import faultline.mmu.fault.Race;
import faultline.mmu.mm.Madv;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.Prot;
import faultline.mmu.system.MemoryConfig;
import faultline.mmu.system.MmFixture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who is charged for which page, and what happens at the limit. */
@Timeout(120)
class MemCgroupTest {
    private static final int DROPPABLE = MmapFlags.ANONYMOUS | MmapFlags.FIXED | MmapFlags.DROPPABLE;

    private static MmFixture machine(long swapBytes) {
        return new MmFixture(MemoryConfig.defaults().withMemBytes(16L << 20).withSwapBytes(swapBytes), MmLimits.ROOT);
    }

    private static MemCgroup group(MmFixture m, MemCgroup parent) {
        return m.sys.cache().memCgroups().create(parent);
    }

    private static boolean stores(MmFixture m, long address) {
        int result = m.sys.faults().doUserAddrFault(m.mm, address, FaultHandler.PF_USER | FaultHandler.PF_WRITE, m.ctx);
        return result == FaultHandler.FAULT_DONE;
    }

    @Test
    void anonymousPagesAreChargedHereAndAboveUntilTheyAreFree() {
        try (MmFixture m = machine(0)) {
            MemCgroup parent = group(m, null);
            MemCgroup child = group(m, parent);
            m.map(BASE, 20);
            m.fill(BASE, 5, 1);
            m.mm.setMemCgroup(child);
            m.fill(BASE + 5 * PAGE, 10, 1);
            assertThat(child.memory().usage()).isEqualTo(10);
            assertThat(parent.memory().usage()).isEqualTo(10);
            m.mm.setMemCgroup(parent);
            m.munmap(BASE, 10 * PAGE);
            assertThat(child.memory().usage())
                    .as("charges stay where they were made")
                    .isEqualTo(5);
            assertThat(m.sys.audit()).isEmpty();
            m.munmap(BASE, 20 * PAGE);
            assertThat(parent.memory().usage()).isZero();
            assertThat(parent.memory().peak()).isEqualTo(10);
        }
    }

    @Test
    void aCopyAfterForkIsChargedToWhoMakesIt() {
        try (MmFixture m = machine(0)) {
            MemCgroup mine = group(m, null);
            MemCgroup other = group(m, null);
            m.mm.setMemCgroup(mine);
            m.map(BASE, 4);
            m.fill(BASE, 4, 1);
            MmStruct child = m.newMm(MmLimits.ROOT);
            child.setMemCgroup(other);
            assertThat(m.sys.fork().dupMmap(child, m.mm, m.ctx)).isZero();
            m.newCpu(child).store(BASE + PAGE, 9);
            assertThat(mine.memory().usage()).isEqualTo(4);
            assertThat(other.memory().usage()).isEqualTo(1);
            assertThat(m.sys.audit()).isEmpty();
        }
    }

    @Test
    void hugePagesAreChargedWholeAndSplitOnesPieceByPiece() {
        try (MmFixture m = new MmFixture(MemoryConfig.defaults().withMemBytes(32L << 20), MmLimits.ROOT)) {
            MemCgroup group = group(m, null);
            m.mm.setMemCgroup(group);
            m.map(BASE, 512);
            m.madvise(BASE, 512 * PAGE, Madv.HUGEPAGE);
            m.cpu.store(BASE, 1);
            assertThat(group.memory().usage()).isEqualTo(512);
            m.munmap(BASE, 100 * PAGE);
            assertThat(m.sys.audit()).isEmpty();
            m.munmap(BASE, 512 * PAGE);
            assertThat(group.memory().usage()).isZero();
        }
    }

    @Test
    void aHugePageThatDoesNotFitIsReplacedBySmallOnes() {
        try (MmFixture m = new MmFixture(MemoryConfig.defaults().withMemBytes(32L << 20), MmLimits.ROOT)) {
            MemCgroup group = group(m, null);
            group.memory().setMax(100);
            m.mm.setMemCgroup(group);
            m.map(BASE, 512);
            m.madvise(BASE, 512 * PAGE, Madv.HUGEPAGE);
            m.cpu.store(BASE, 1);
            assertThat(group.memory().usage()).isEqualTo(1);
            assertThat(group.events(MemCgroup.Event.OOM)).isZero();
        }
    }

    @Test
    void overTheLimitPagesOfTheGroupGoToSwapAndNoOthers() {
        try (MmFixture m = machine(4L << 20)) {
            m.map(BASE, 400);
            m.fill(BASE, 100, 1);
            MemCgroup group = group(m, null);
            group.memory().setMax(64);
            m.mm.setMemCgroup(group);
            m.fill(BASE + 100 * PAGE, 200, 7);
            assertThat(group.memory().usage()).isLessThanOrEqualTo(64);
            assertThat(group.swap().usage()).isGreaterThanOrEqualTo(136);
            assertThat(group.events(MemCgroup.Event.MAX)).isPositive();
            assertThat(m.mm.rss(MmStruct.SWAPENTS)).isEqualTo(group.swap().usage());
            for (int i = 0; i < 200; i++) {
                assertThat(m.cpu.load(BASE + (100 + i) * PAGE)).isEqualTo(7 + i & 0xff);
            }
            assertThat(m.sys.audit()).isEmpty();
            m.munmap(BASE, 400 * PAGE);
            assertThat(group.memory().usage()).isZero();
            assertThat(group.swap().usage()).isZero();
        }
    }

    @Test
    void theLimitOfSwapHoldsAndThenSomebodyIsToBeKilled() {
        try (MmFixture m = machine(4L << 20)) {
            AtomicInteger asked = new AtomicInteger();
            m.sys.cache().memCgroups().setOutOfMemory((over, pages) -> {
                asked.incrementAndGet();
                return false;
            });
            MemCgroup group = group(m, null);
            group.memory().setMax(50);
            group.swap().setMax(30);
            m.mm.setMemCgroup(group);
            m.map(BASE, 100);
            m.fill(BASE, 80, 1);
            assertThat(stores(m, BASE + 80 * PAGE)).isFalse();
            assertThat(asked).hasValue(1);
            assertThat(group.swap().usage()).isEqualTo(30);
            assertThat(group.localEvents(MemCgroup.Event.OOM)).isEqualTo(1);
            assertThat(m.sys.audit()).isEmpty();
        }
    }

    @Test
    void whenTheKillerMadeRoomTheChargeIsTriedAgain() {
        try (MmFixture m = machine(0)) {
            MemCgroup group = group(m, null);
            group.memory().setMax(20);
            MmStruct victim = m.newMm(MmLimits.ROOT);
            victim.setMemCgroup(group);
            ModelCpu cpu = m.newCpu(victim);
            m.sys.mmap().doMmap(victim, cpu.ctx, BASE, 15 * PAGE, MmFixture.RW, MmFixture.FIXED, null, 0);
            for (int i = 0; i < 15; i++) {
                cpu.store(BASE + i * PAGE, 1);
            }
            m.sys.cache().memCgroups().setOutOfMemory((over, pages) -> {
                assertThat(over).isSameAs(group);
                return m.sys.munmap().run(victim, BASE, 15 * PAGE) == 0;
            });
            m.mm.setMemCgroup(group);
            m.map(BASE, 20);
            m.fill(BASE, 20, 1);
            assertThat(group.memory().usage()).isEqualTo(20);
        }
    }

    @Test
    void aLimitSetBelowWhatIsChargedMakesTheGroupFit() {
        try (MmFixture m = machine(4L << 20)) {
            MemCgroup group = group(m, null);
            m.mm.setMemCgroup(group);
            m.map(BASE, 100);
            m.fill(BASE, 100, 1);
            assertThat(m.sys.cache().memCgroups().limit(group, 40, () -> false)).isTrue();
            assertThat(group.memory().usage()).isLessThanOrEqualTo(40);
            m.fill(BASE, 30, 1);
            assertThat(m.sys.cache().memCgroups().limit(group, 10, () -> true))
                    .as("interrupted")
                    .isFalse();
            assertThat(group.memory().max()).isEqualTo(10);
        }
    }

    @Test
    void aboveHighNobodyIsRefusedButSomethingIsFreed() {
        try (MmFixture m = machine(4L << 20)) {
            MemCgroup group = group(m, null);
            group.setHigh(20);
            m.mm.setMemCgroup(group);
            m.map(BASE, 200);
            m.fill(BASE, 200, 1);
            assertThat(group.events(MemCgroup.Event.HIGH)).isPositive();
            assertThat(group.memory().usage()).isLessThan(100);
        }
    }

    @Test
    void pagesOfFilesAreChargedToWhoBringsThemIn() {
        try (MmFixture m = machine(0)) {
            MemCgroup group = group(m, null);
            m.sys.cache().memCgroups().setCurrent(() -> group);
            MemoryFile file = m.file(40);
            m.mmap(BASE, 40 * PAGE, Prot.READ, MmapFlags.SHARED | MmapFlags.FIXED, file, 0);
            m.cpu.load(BASE);
            assertThat(group.memory().usage()).isPositive();
            group.memory().setMax(group.memory().usage());
            for (int i = 0; i < 40; i++) {
                assertThat(m.cpu.load(BASE + i * PAGE)).isEqualTo(i + 1);
            }
            assertThat(m.sys.audit()).isEmpty();
        }
    }

    @Test
    void droppablePagesGoWithoutSwapHoweverDirtyAndReadAsZeros() {
        try (MmFixture m = machine(4L << 20)) {
            MemCgroup group = group(m, null);
            group.memory().setMax(64);
            group.swap().setMax(0);
            m.mm.setMemCgroup(group);
            m.mmap(BASE, 40 * PAGE, MmFixture.RW, DROPPABLE);
            m.fill(BASE, 40, 1);
            m.map(BASE + 100 * PAGE, 50);
            m.fill(BASE + 100 * PAGE, 50, 1);
            int kept = 0;
            for (int i = 0; i < 40; i++) {
                int value = m.cpu.load(BASE + i * PAGE);
                assertThat(value).isIn(0, i + 1);
                kept += value == 0 ? 0 : 1;
            }
            assertThat(kept).isLessThanOrEqualTo(14);
            assertThat(m.mm.rss(MmStruct.SWAPENTS)).isZero();
            assertThat(group.swap().usage()).isZero();
            assertThat(m.sys.audit()).isEmpty();
        }
    }

    @Test
    void chargesOfManyThreadsAddUp() throws Exception {
        try (MmFixture m = machine(8L << 20)) {
            MemCgroup parent = group(m, null);
            parent.memory().setMax(300);
            Race.Part[] parts = new Race.Part[4];
            for (int t = 0; t < parts.length; t++) {
                MmStruct mm = m.newMm(MmLimits.ROOT);
                mm.setMemCgroup(group(m, parent));
                ModelCpu cpu = m.newCpu(mm);
                parts[t] = round -> {
                    m.sys.mmap().doMmap(mm, cpu.ctx, BASE, 150 * PAGE, MmFixture.RW, MmFixture.FIXED, null, 0);
                    for (int i = 0; i < 150; i++) {
                        cpu.store(BASE + i * PAGE, i);
                    }
                    m.sys.munmap().run(mm, BASE, 150 * PAGE);
                };
            }
            Race.run(
                    20,
                    round -> {},
                    round -> {
                        assertThat(parent.memory().usage()).isZero();
                        assertThat(parent.swap().usage()).isZero();
                        assertThat(m.sys.audit()).isEmpty();
                    },
                    parts);
        }
    }
}
