package faultline.mmu.system;

import static faultline.mmu.system.HugePages.FRAMES;
import static faultline.mmu.system.HugePages.HUGE;
import static faultline.mmu.system.HugePages.always;
import static faultline.mmu.system.HugePages.hugeEntries;
import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.PAGE;
import static faultline.mmu.system.MmFixture.ok;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.ModelCpu;
import faultline.mmu.fault.Race;
import faultline.mmu.mm.Madv;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.ThpMode;
import faultline.mmu.table.PtlMode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Transparent huge pages made, split, dropped, collapsed and copied while other tasks use them. */
@Timeout(120)
class HugePagesRaceTest {
    @Test
    void collapseRacesWithAWriterAndLosesNoWrite() throws Exception {
        try (MmFixture f = new MmFixture()) {
            ModelCpu one = f.newCpu(f.mm);
            f.map(BASE, FRAMES);
            f.fill(BASE, FRAMES, 1);
            Race.run(
                    Race.ROUNDS / 20,
                    round -> ok(f.madvise(BASE + 300 * PAGE, PAGE, Madv.DONTNEED)),
                    round -> {
                        assertThat(f.cpu.load(BASE + 511 * PAGE)).isEqualTo(99);
                        f.audit();
                    },
                    round -> {
                        for (int i = 0; i < 100; i++) {
                            one.store(BASE + 511 * PAGE, i);
                        }
                    },
                    round -> ok(f.sys.madvise().run(f.mm, new FaultContext(), BASE, HUGE, Madv.COLLAPSE)));
        }
    }

    @ParameterizedTest
    @EnumSource(PtlMode.class)
    void tasksThatTouchOneRangeAtOnceGetOneHugePage(PtlMode mode) throws Exception {
        MemoryConfig config = MemoryConfig.defaults()
                .withMemBytes(64L << 20)
                .withThp(ThpMode.ALWAYS)
                .withPtl(mode);
        try (MmFixture f = new MmFixture(config, MmLimits.ROOT)) {
            ModelCpu one = f.newCpu(f.mm);
            ModelCpu two = f.newCpu(f.mm);
            Race.run(
                    Race.ROUNDS / 10,
                    round -> f.map(BASE, FRAMES),
                    round -> {
                        assertThat(hugeEntries(f, f.mm)).isEqualTo(1);
                        assertThat(f.mm.rssPages()).isEqualTo(FRAMES);
                        assertThat(f.cpu.load(BASE + PAGE)).isEqualTo(1);
                        assertThat(f.cpu.load(BASE + 2 * PAGE)).isEqualTo(2);
                        ok(f.munmap(BASE, HUGE));
                    },
                    round -> one.store(BASE + PAGE, 1),
                    round -> {
                        if (round % 2 == 0) {
                            two.load(BASE + 9 * PAGE);
                        }
                        two.store(BASE + 2 * PAGE, 2);
                    });
        }
    }

    @ParameterizedTest
    @EnumSource(PtlMode.class)
    void splittingRacesWithWritersAndLosesNothing(PtlMode mode) throws Exception {
        MemoryConfig config = MemoryConfig.defaults()
                .withMemBytes(64L << 20)
                .withThp(ThpMode.ALWAYS)
                .withPtl(mode);
        try (MmFixture f = new MmFixture(config, MmLimits.ROOT)) {
            ModelCpu one = f.newCpu(f.mm);
            FaultContext[] other = {new FaultContext()};
            byte[] word = {42};
            Race.run(
                    Race.ROUNDS / 10,
                    round -> {
                        f.map(BASE, FRAMES);
                        f.cpu.store(BASE, 7);
                    },
                    round -> {
                        assertThat(f.cpu.load(BASE)).isEqualTo(7);
                        assertThat(f.cpu.load(BASE + PAGE)).isEqualTo(1);
                        assertThat(f.cpu.load(BASE + 511 * PAGE)).isEqualTo(42);
                        assertThat(f.cpu.load(BASE + 300 * PAGE)).isZero();
                        f.audit();
                        ok(f.munmap(BASE, HUGE));
                    },
                    round -> one.store(BASE + PAGE, 1),
                    round -> assertThat(f.sys.userMemory().copyToUser(f.mm, other[0], BASE + 511 * PAGE, word, 0, 1))
                            .isZero(),
                    round -> ok(f.madvise(BASE + 300 * PAGE, PAGE, Madv.DONTNEED)));
        }
    }

    @Test
    void droppingRacesWithFaultsAndEveryByteReadIsZeroOrWritten() throws Exception {
        try (MmFixture f = always()) {
            ModelCpu one = f.newCpu(f.mm);
            f.map(BASE, FRAMES);
            Race.run(
                    Race.ROUNDS / 10,
                    round -> {},
                    round -> f.audit(),
                    round -> {
                        one.store(BASE + 3 * PAGE, 3);
                        assertThat(one.load(BASE + 3 * PAGE)).isIn(0, 3);
                    },
                    round -> ok(f.sys.madvise().run(f.mm, new FaultContext(), BASE, HUGE, Madv.DONTNEED)));
        }
    }

    @Test
    void forkRacesWithAFaultOfTheParentsOtherTask() throws Exception {
        try (MmFixture f = always()) {
            ModelCpu one = f.newCpu(f.mm);
            MmStruct[] child = new MmStruct[1];
            f.map(BASE, FRAMES);
            f.cpu.store(BASE, 1);
            Race.run(
                    Race.ROUNDS / 20,
                    round -> child[0] = f.newMm(MmLimits.ROOT),
                    round -> {
                        f.audit();
                        assertThat(f.newCpu(child[0]).load(BASE)).isEqualTo(1);
                        f.sys.exitMmap(child[0]);
                        assertThat(one.load(BASE + PAGE)).isEqualTo(round & 0xff);
                    },
                    round -> one.store(BASE + PAGE, round & 0xff),
                    round -> ok(f.sys.fork().dupMmap(child[0], f.mm, new FaultContext())));
        }
    }
}
