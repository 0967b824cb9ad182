package faultline.mmu.fault;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.Page;
import faultline.mmu.table.PtlMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Two processors, one page, under a model TLB that keeps every translation until it is flushed. */
class FaultRaceTest {
    private static final long BASE = FaultFixture.BASE;

    @ParameterizedTest
    @EnumSource(PtlMode.class)
    void twoFirstWritesToOnePageBothStay(PtlMode mode) throws Exception {
        try (FaultFixture f = new FaultFixture(64L << 20, mode)) {
            MmStruct mm = f.newMm();
            Vma vma = f.mapAnon(mm, BASE, 1, FaultFixture.RW);
            ModelCpu one = f.newCpu(mm);
            ModelCpu two = f.newCpu(mm);
            Race.run(
                    Race.ROUNDS,
                    r -> {},
                    r -> {
                        assertThat(one.load(BASE + 1)).isEqualTo(1);
                        assertThat(one.load(BASE + 2)).isEqualTo(2);
                        f.dontNeed(vma, vma.start(), vma.end());
                        f.audit(vma);
                    },
                    r -> one.store(BASE + 1, 1),
                    r -> two.store(BASE + 2, 2));
        }
    }

    @ParameterizedTest
    @EnumSource(PtlMode.class)
    void incrementsOfTwoProcessorsAreNeverLostWhileTheZeroPageIsReplaced(PtlMode mode) throws Exception {
        try (FaultFixture f = new FaultFixture(64L << 20, mode)) {
            MmStruct mm = f.newMm();
            Vma vma = f.mapAnon(mm, BASE, 1, FaultFixture.RW);
            ModelCpu one = f.newCpu(mm);
            ModelCpu two = f.newCpu(mm);
            Race.run(
                    Race.ROUNDS,
                    r -> one.load(BASE),
                    r -> {
                        assertThat(one.increment(BASE)).isEqualTo(20);
                        f.dontNeed(vma, vma.start(), vma.end());
                        f.audit(vma);
                    },
                    r -> repeat(10, () -> one.increment(BASE)),
                    r -> repeat(10, () -> two.increment(BASE)));
        }
    }

    @ParameterizedTest
    @EnumSource(PtlMode.class)
    void parentAndChildWritingAfterForkEachKeepTheirOwn(PtlMode mode) throws Exception {
        try (FaultFixture f = new FaultFixture(64L << 20, mode)) {
            MmStruct parent = f.newMm();
            MmStruct child = f.newMm();
            Vma vma = f.mapAnon(parent, BASE, 4, FaultFixture.RW);
            ModelCpu inParent = f.newCpu(parent);
            ModelCpu alsoInParent = f.newCpu(parent);
            ModelCpu inChild = f.newCpu(child);
            Vma[] copy = new Vma[1];
            Race.run(
                    Race.ROUNDS,
                    r -> {
                        inParent.store(BASE, 1);
                        copy[0] = f.fork(vma, child, inParent.ctx);
                    },
                    r -> {
                        assertThat(inParent.load(BASE)).isEqualTo(2);
                        assertThat(inParent.load(BASE + 1)).isEqualTo(4);
                        assertThat(inChild.load(BASE)).isEqualTo(3);
                        f.audit(vma, copy[0]);
                        f.unmap(copy[0]);
                        f.dontNeed(vma, vma.start(), vma.end());
                    },
                    r -> inParent.store(BASE, 2),
                    r -> alsoInParent.store(BASE + 1, 4),
                    r -> inChild.store(BASE, 3));
        }
    }

    @ParameterizedTest
    @EnumSource(PtlMode.class)
    void forkWhileOthersWriteGivesTheChildOneMomentsContent(PtlMode mode) throws Exception {
        try (FaultFixture f = new FaultFixture(64L << 20, mode)) {
            MmStruct parent = f.newMm();
            MmStruct child = f.newMm();
            Vma vma = f.mapAnon(parent, BASE, 1, FaultFixture.RW);
            ModelCpu forking = f.newCpu(parent);
            ModelCpu writing = f.newCpu(parent);
            ModelCpu inChild = f.newCpu(child);
            Vma[] copy = new Vma[1];
            int[] seen = new int[1];
            Race.run(
                    Race.ROUNDS,
                    r -> forking.store(BASE, 0),
                    r -> {
                        // Whatever the child saw first it sees for ever: no write of the parent reaches it.
                        assertThat(inChild.increment(BASE)).isEqualTo(seen[0]);
                        assertThat(writing.increment(BASE)).isEqualTo(50);
                        f.audit(vma, copy[0]);
                        f.unmap(copy[0]);
                        f.dontNeed(vma, vma.start(), vma.end());
                    },
                    r -> {
                        copy[0] = f.fork(vma, child, forking.ctx);
                        seen[0] = inChild.load(BASE);
                    },
                    r -> repeat(50, () -> writing.increment(BASE)));
        }
    }

    @ParameterizedTest
    @EnumSource(PtlMode.class)
    void accessDuringUnmappingEitherWorksOrFaultsAndNeverTouchesAFreedFrame(PtlMode mode) throws Exception {
        try (FaultFixture f = new FaultFixture(64L << 20, mode)) {
            MmStruct mm = f.newMm();
            MmStruct other = f.newMm();
            Vma canary = f.mapAnon(other, BASE, 8, FaultFixture.RW);
            ModelCpu one = f.newCpu(mm);
            ModelCpu two = f.newCpu(other);
            Vma[] vma = new Vma[1];
            Race.run(
                    Race.ROUNDS,
                    r -> vma[0] = f.mapAnon(mm, BASE, 8, FaultFixture.RW),
                    r -> {
                        // Frames that the unmapping freed are reused here: a late store would show.
                        for (int i = 0; i < 8; i++) {
                            assertThat(two.load(BASE + i * Page.SIZE + 8)).isZero();
                        }
                        f.dontNeed(canary, canary.start(), canary.end());
                    },
                    r -> {
                        try {
                            for (int i = 0; i < 64; i++) {
                                one.store(BASE + i % 8 * Page.SIZE + 8, 0x55);
                            }
                        } catch (ModelCpu.Signal unmapped) {
                            assertThat(unmapped.code).isEqualTo(FaultHandler.SEGV_MAPERR);
                        }
                    },
                    r -> {
                        f.unmap(vma[0]);
                        for (int i = 0; i < 8; i++) {
                            two.store(BASE + i * Page.SIZE, 1);
                        }
                    });
        }
    }

    @ParameterizedTest
    @EnumSource(PtlMode.class)
    void writesDuringDiscardingSeeEitherOldOrZeroedMemory(PtlMode mode) throws Exception {
        try (FaultFixture f = new FaultFixture(64L << 20, mode)) {
            MmStruct mm = f.newMm();
            Vma vma = f.mapAnon(mm, BASE, 1, FaultFixture.RW);
            ModelCpu one = f.newCpu(mm);
            Race.run(
                    Race.ROUNDS,
                    r -> {},
                    r -> f.audit(vma),
                    r -> {
                        int before = 0;
                        for (int i = 0; i < 20; i++) {
                            int found = one.increment(BASE);
                            assertThat(found == before || found == 0).isTrue();
                            before = found + 1;
                        }
                        one.store(BASE, 0);
                        one.store(BASE + 1, 0);
                    },
                    r -> f.dontNeed(vma, vma.start(), vma.end()));
        }
    }

    @ParameterizedTest
    @EnumSource(PtlMode.class)
    void sharedWritesAreNeverLostByWriteBack(PtlMode mode) throws Exception {
        try (FaultFixture f = new FaultFixture(64L << 20, mode)) {
            MmStruct mm = f.newMm();
            MemoryFile file = new MemoryFile(f.cache, 2);
            Vma[] vma = {f.mapFile(mm, BASE, 2, FaultFixture.SHARED_RW, file, 0)};
            ModelCpu one = f.newCpu(mm);
            Race.run(
                    Race.ROUNDS,
                    r -> {},
                    r -> {
                        if (r % 3 == 0) {
                            f.unmap(vma[0]);
                        }
                        file.mapping().writeback(0, Long.MAX_VALUE);
                        assertThat(file.byteAt(100)).isEqualTo((byte) r);
                        assertThat(file.byteAt(Page.SIZE + 100)).isEqualTo((byte) (r + 1));
                        if (r % 3 == 0) {
                            vma[0] = f.mapFile(mm, BASE, 2, FaultFixture.SHARED_RW, file, 0);
                        }
                    },
                    r -> {
                        for (int i = 0; i <= 20; i++) {
                            one.store(BASE + 100, r + 20 - i);
                            one.store(BASE + Page.SIZE + 100, r + 21 - i);
                        }
                    },
                    r -> repeat(4, () -> file.mapping().writeback(0, Long.MAX_VALUE)));
        }
    }

    @ParameterizedTest
    @EnumSource(PtlMode.class)
    void afterTruncationNoPageBeyondTheEndIsMappedOrCached(PtlMode mode) throws Exception {
        try (FaultFixture f = new FaultFixture(64L << 20, mode)) {
            MmStruct mm = f.newMm();
            MmStruct other = f.newMm();
            MemoryFile file = new MemoryFile(f.cache, 16);
            Vma shared = f.mapFile(mm, BASE, 16, FaultFixture.SHARED_RW, file, 0);
            Vma copied = f.mapFile(other, BASE, 16, FaultFixture.RW, file, 0);
            ModelCpu one = f.newCpu(mm);
            ModelCpu two = f.newCpu(other);
            Race.run(
                    Race.ROUNDS / 2,
                    r -> file.mapping().truncate(16 * Page.SIZE, file::resizeTo),
                    r -> {
                        for (int i = 4; i < 16; i++) {
                            assertThat(f.pte(mm, BASE + i * Page.SIZE)).isZero();
                            assertThat(f.pte(other, BASE + i * Page.SIZE)).isZero();
                        }
                        assertThat(file.mapping().cachedPages()).isLessThanOrEqualTo(4);
                        f.audit(shared, copied);
                    },
                    r -> touch(one, r),
                    r -> touch(two, r),
                    r -> file.mapping().truncate(4 * Page.SIZE, file::resizeTo));
        }
    }

    private static void touch(ModelCpu cpu, int round) {
        for (int i = 0; i < 32; i++) {
            long at = BASE + (i * 7 + round) % 16 * Page.SIZE;
            try {
                if (i % 2 == 0) {
                    cpu.load(at);
                } else {
                    cpu.store(at, 1);
                }
            } catch (ModelCpu.Signal beyondEnd) {
                assertThat(beyondEnd.signo).isEqualTo(FaultHandler.SIGBUS);
                assertThat(at).isGreaterThanOrEqualTo(BASE + 4 * Page.SIZE);
            }
        }
    }

    private static void repeat(int times, Runnable action) {
        for (int i = 0; i < times; i++) {
            action.run();
        }
    }
}
