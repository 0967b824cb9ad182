package faultline.mmu.op;

import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.FIXED;
import static faultline.mmu.system.MmFixture.PAGE;
import static faultline.mmu.system.MmFixture.RW;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.fault.FaultContext;
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
import faultline.mmu.table.PtlMode;
import faultline.mmu.tlb.AddressSpaceTlb;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Two processors go on using memory, filling their translations again and again, while a call takes it from them. */
@Timeout(300)
class FlushRaceTest {
    private static final int PAGES = 24;
    private static final long BYTES = PAGES * PAGE;
    /** The range lies in two page tables. */
    private static final long ANON = BASE + (2L << 20) - 9 * PAGE;

    private static final long FILE = ANON + (4L << 20);
    private static final long ELSEWHERE = ANON + (64L << 20) + 3 * PAGE;
    private static final int MOVE = MmapFlags.MREMAP_MAYMOVE | MmapFlags.MREMAP_FIXED;

    /** A machine with memory of both kinds, and a call on it in each round. */
    private static final class Scene {
        private final MmFixture m;
        private final MemoryFile file;
        private final ModelCpu one;
        private final ModelCpu two;
        private final FaultContext ctx = new FaultContext();

        Scene(MmFixture m) {
            this.m = m;
            file = m.file(PAGES);
            one = m.newCpu(m.mm);
            two = m.newCpu(m.mm);
        }

        void map() {
            m.map(ANON, PAGES);
            MmFixture.ok(m.mmap(FILE, BYTES, RW, MmapFlags.SHARED | MmapFlags.FIXED, file, 0));
        }

        void check() {
            assertThat(one.staleTranslations()).isEmpty();
            assertThat(two.staleTranslations()).isEmpty();
            m.munmap(ANON, ELSEWHERE + BYTES - ANON);
            assertThat(file.mapping().truncate(PAGES * PAGE, file::resizeTo)).isZero();
            m.audit();
        }

        /** Both kinds of signal are right answers, depending on what the call has done by now. */
        static void use(ModelCpu cpu, SplittableRandom random) {
            for (int i = 0; i < 40; i++) {
                long address = (random.nextBoolean() ? ANON : FILE) + random.nextInt(PAGES) * PAGE;
                try {
                    if (random.nextBoolean()) {
                        cpu.store(address, i);
                    } else {
                        cpu.load(address);
                    }
                } catch (ModelCpu.Signal e) {
                    assertThat(e.signo).isIn(7, 11);
                }
            }
        }

        private void forgotten(long start, long end, boolean toWrite) {
            assertThat(one.knows(start, end, toWrite)).isFalse();
            assertThat(two.knows(start, end, toWrite)).isFalse();
        }

        /** The call, and what nobody may know the moment that it returns. */
        void call(int round) {
            switch (round % 11) {
                case 0 -> {
                    m.sys.munmap().run(m.mm, ANON + PAGE, BYTES);
                    forgotten(ANON + PAGE, ANON + BYTES, false);
                }
                case 1 -> {
                    assertThat(m.sys.mprotect().run(m.mm, ctx, ANON, BYTES, Prot.READ))
                            .isZero();
                    forgotten(ANON, ANON + BYTES, true);
                }
                case 2 -> {
                    assertThat(m.sys.mprotect().run(m.mm, ctx, FILE, BYTES, Prot.NONE))
                            .isZero();
                    forgotten(FILE, FILE + BYTES, false);
                }
                case 3 -> {
                    long from = round % 2 == 0 ? ANON : FILE;
                    assertThat(m.sys.mremap().run(m.mm, ctx, from, BYTES, BYTES, MOVE, ELSEWHERE))
                            .isEqualTo(ELSEWHERE);
                    forgotten(from, from + BYTES, false);
                }
                case 4 -> {
                    assertThat(file.mapping().truncate(5 * PAGE, file::resizeTo))
                            .isZero();
                    forgotten(FILE + 5 * PAGE, FILE + BYTES, false);
                }
                case 5 -> {
                    m.sys.madvise().run(m.mm, ctx, ANON, BYTES, Madv.GUARD_INSTALL);
                    m.sys.madvise().run(m.mm, ctx, ANON, BYTES, Madv.GUARD_INSTALL);
                }
                case 6 -> {
                    MmFixture.ok(m.sys.mmap().doMmap(m.mm, ctx, ANON, BYTES, Prot.READ, FIXED, null, 0));
                    forgotten(ANON, ANON + BYTES, true);
                }
                case 7 -> m.sys.madvise().run(m.mm, ctx, ANON, FILE + BYTES - ANON, Madv.DONTNEED);
                case 8 -> forkAndExit();
                case 9 -> {
                    for (int i = 0; i < 4; i++) {
                        m.sys.reclaimer().reclaim(0);
                    }
                }
                default -> ClearRefs.run(m.sys.tables(), m.mm, ClearRefs.SOFT_DIRTY);
            }
        }

        private void forkAndExit() {
            MmStruct child = m.sys.newMm(MmLimits.ROOT);
            assertThat(m.sys.fork().dupMmap(child, m.mm, ctx)).isZero();
            m.sys.exitMmap(child);
        }
    }

    @ParameterizedTest
    @EnumSource(PtlMode.class)
    void whatACallTookAwayNobodyUsesAfterItHasReturned(PtlMode ptl) throws Exception {
        MemoryConfig config = MemoryConfig.defaults()
                .withMemBytes(8L << 20)
                .withSwapBytes(8L << 20)
                .withPtl(ptl);
        try (MmFixture m = new MmFixture(config, MmLimits.ROOT)) {
            Scene scene = new Scene(m);
            SplittableRandom first = new SplittableRandom(1);
            SplittableRandom second = new SplittableRandom(2);
            Race.run(
                    Race.ROUNDS / 4,
                    round -> scene.map(),
                    round -> scene.check(),
                    round -> Scene.use(scene.one, first),
                    round -> Scene.use(scene.two, second),
                    scene::call);
        }
    }

    // ---- a rule that no number of rounds would show reliably

    /** Notes whether the page-table lock was held by whoever flushed. */
    private static final class WatchedTlb implements AddressSpaceTlb {
        private MmStruct mm;
        private int locked;
        private int unlocked;

        @Override
        public void flushPage(long addr) {
            if (mm.pageTableLock().isHeldByCurrentThread()) {
                locked++;
            } else {
                unlocked++;
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

    /**
     * Write-back cleans an entry under its lock, and then writes the page out. Were the entry gone, and a processor
     * still writing through its old translation, the last stores would be missing in what is written.
     */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aDirtyPageOfAFileIsFlushedBeforeItsTableIsUnlocked(boolean dirty) {
        MemoryConfig config = MemoryConfig.defaults().withMemBytes(8L << 20).withPtl(PtlMode.MM);
        try (MmFixture m = new MmFixture(config, MmLimits.ROOT)) {
            WatchedTlb tlb = new WatchedTlb();
            tlb.mm = m.sys.newMm(tlb, MmLimits.ROOT);
            MemoryFile file = m.file(1);
            MmFixture.ok(
                    m.sys.mmap().doMmap(tlb.mm, m.ctx, FILE, PAGE, RW, MmapFlags.SHARED | MmapFlags.FIXED, file, 0));
            int access = FaultHandler.PF_USER | (dirty ? FaultHandler.PF_WRITE : 0);
            assertThat(m.sys.faults().doUserAddrFault(tlb.mm, FILE, access, m.ctx))
                    .isEqualTo(FaultHandler.FAULT_DONE);
            assertThat(m.sys.munmap().run(tlb.mm, FILE, PAGE)).isZero();
            assertThat(tlb.locked).isEqualTo(dirty ? 1 : 0);
            assertThat(tlb.unlocked).isPositive();
        }
    }
}
