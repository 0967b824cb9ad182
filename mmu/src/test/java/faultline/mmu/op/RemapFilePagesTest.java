package faultline.mmu.op;

import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.PAGE;
import static faultline.mmu.system.MmFixture.RW;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import faultline.mmu.Errno;
import faultline.mmu.fault.FaultPath;
import faultline.mmu.fault.MemoryFile;
import faultline.mmu.fault.ModelCpu;
import faultline.mmu.mm.Madv;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.Prot;
import faultline.mmu.mm.RemapMode;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.system.MemoryConfig;
import faultline.mmu.system.MmFixture;
import faultline.mmu.table.PtlMode;
import faultline.mmu.view.ProcSmaps;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** remap_file_pages: what both ways must show alike, and what only the nonlinear one has. */
class RemapFilePagesTest {
    private static final int SHARED = MmapFlags.SHARED | MmapFlags.FIXED;
    private static final int PAGES = 8;

    /** Page n of the file begins with n + 1; the window shows it backwards. */
    private abstract static class BothWays {
        private final MmFixture m;
        private final MemoryFile file;

        BothWays(RemapMode mode) {
            m = new MmFixture(MemoryConfig.defaults().withMemBytes(16L << 20).withRemap(mode), MmLimits.ROOT);
            file = m.file(PAGES);
        }

        MmFixture machine() {
            return m;
        }

        MemoryFile file() {
            return file;
        }

        @BeforeEach
        void turn() {
            MmFixture.ok(m.mmap(BASE, PAGES * PAGE, RW, SHARED, file, 0));
            for (int i = 0; i < PAGES; i++) {
                assertThat(remap(i, 1, PAGES - 1 - i)).isZero();
            }
        }

        @AfterEach
        void close() {
            m.close();
        }

        long remap(int page, int count, long pgoff) {
            return m.sys.remapFilePages().run(m.mm, m.ctx, BASE + page * PAGE, count * PAGE, 0, pgoff, 0);
        }

        void expect(ModelCpu cpu, int... values) {
            for (int i = 0; i < values.length; i++) {
                assertThat(cpu.load(BASE + i * PAGE)).as("page %d", i).isEqualTo(values[i]);
            }
        }

        @Test
        void eachPageShowsThePageOfTheFileThatWasAskedFor() {
            expect(m.cpu, 8, 7, 6, 5, 4, 3, 2, 1);
            assertThat(remap(2, 3, 1)).isZero();
            expect(m.cpu, 8, 7, 2, 3, 4, 3, 2, 1);
        }

        @Test
        void writesGoToThePageShownAndReachTheFileByMsync() {
            m.cpu.store(BASE, 80);
            m.cpu.store(BASE + 6 * PAGE, 20);
            assertThat(m.sys.msync().run(m.mm, BASE, PAGES * PAGE, Msync.MS_SYNC))
                    .isZero();
            assertThat(file.byteAt(7 * PAGE)).isEqualTo((byte) 80);
            assertThat(file.byteAt(PAGE)).isEqualTo((byte) 20);
        }

        @Test
        void aPageWrittenAfterMsyncIsWrittenByTheNext() {
            for (int value = 1; value < 4; value++) {
                m.cpu.store(BASE + 2 * PAGE, value);
                assertThat(m.sys.msync().run(m.mm, BASE, PAGES * PAGE, Msync.MS_SYNC))
                        .isZero();
                assertThat(file.byteAt(5 * PAGE)).isEqualTo((byte) value);
            }
        }

        @Test
        void dirtOfAPageThatIsRemappedIsNotLost() {
            m.cpu.store(BASE, 80);
            assertThat(remap(0, 1, 3)).isZero();
            assertThat(file.mapping().writeback(0, Long.MAX_VALUE)).isZero();
            assertThat(file.byteAt(7 * PAGE)).isEqualTo((byte) 80);
            assertThat(m.cpu.load(BASE)).isEqualTo(4);
        }

        @Test
        void droppedPagesComeBackInTheirOrder() {
            assertThat(m.madvise(BASE, PAGES * PAGE, Madv.DONTNEED)).isZero();
            assertThat(m.mm.rss(MmStruct.FILEPAGES)).isZero();
            expect(m.cpu, 8, 7, 6, 5, 4, 3, 2, 1);
        }

        @Test
        void aChildSeesTheSameOrderAndTurnsItsOwn() {
            MmStruct child = m.newMm(MmLimits.ROOT);
            assertThat(m.sys.fork().dupMmap(child, m.mm, m.ctx)).isZero();
            ModelCpu cpu = m.newCpu(child);
            m.madvise(BASE, 4 * PAGE, Madv.DONTNEED);
            expect(cpu, 8, 7, 6, 5, 4, 3, 2, 1);
            assertThat(m.sys.remapFilePages().run(child, cpu.ctx, BASE, PAGE, 0, 0, 0))
                    .isZero();
            expect(cpu, 1, 7);
            expect(m.cpu, 8, 7, 6, 5, 4, 3, 2, 1);
        }

        @Test
        void aCutFileIsABusErrorWhereItsPagesStood() {
            expect(m.cpu, 8, 7, 6, 5, 4, 3, 2, 1);
            assertThat(file.mapping().truncate(3 * PAGE, file::resizeTo)).isZero();
            assertThat(m.mm.rss(MmStruct.FILEPAGES)).isEqualTo(3);
            for (int i = 0; i < 5; i++) {
                long at = BASE + i * PAGE;
                assertThatThrownBy(() -> m.cpu.load(at)).hasMessageContaining("signal 7");
            }
            assertThat(m.cpu.load(BASE + 5 * PAGE)).isEqualTo(3);
            assertThat(file.mapping().truncate(PAGES * PAGE, file::resizeTo)).isZero();
            expect(m.cpu, 0, 0, 0, 0, 0, 3, 2, 1);
        }

        @Test
        void aMovedPartKeepsItsOrder() {
            long to = BASE + 1000 * PAGE;
            long result =
                    m.mremap(BASE, PAGES * PAGE, PAGES * PAGE, MmapFlags.MREMAP_MAYMOVE | MmapFlags.MREMAP_FIXED, to);
            assertThat(result).isEqualTo(to);
            m.sys.madvise().run(m.mm, m.ctx, to, 4 * PAGE, Madv.DONTNEED);
            for (int i = 0; i < PAGES; i++) {
                assertThat(m.cpu.load(to + i * PAGE)).isEqualTo(PAGES - i);
            }
        }

        @Test
        void rightsChangeWithoutChangingTheOrder() {
            assertThat(m.mprotect(BASE, 4 * PAGE, Prot.NONE)).isZero();
            assertThatThrownBy(() -> m.cpu.load(BASE)).hasMessageContaining("signal 11");
            assertThat(m.mprotect(BASE, 4 * PAGE, RW)).isZero();
            expect(m.cpu, 8, 7, 6, 5, 4, 3, 2, 1);
        }

        @Test
        void mincoreLooksForThePageThatWouldBeShown() {
            file.mapping().truncate(PAGE, file::resizeTo);
            file.mapping().truncate(PAGES * PAGE, file::resizeTo);
            byte[] vec = new byte[1];
            assertThat(m.sys.mincore().run(m.mm, BASE, 1, vec)).isOne();
            assertThat(vec[0]).isZero();
            assertThat(m.sys.mincore().run(m.mm, BASE + 7 * PAGE, 1, vec)).isOne();
            assertThat(vec[0]).isOne();
        }

        @Test
        void onlySharedMappingsOfOneFileAreTurned() {
            assertThat(m.sys.remapFilePages().run(m.mm, m.ctx, BASE, PAGE, Prot.READ, 0, 0))
                    .isEqualTo(-Errno.EINVAL);
            assertThat(remap(0, 0, 0)).isEqualTo(-Errno.EINVAL);
            assertThat(remap(4, PAGES, 0)).isEqualTo(-Errno.EINVAL);
            assertThat(remap(0, 2, -1)).isEqualTo(-Errno.EINVAL);
            m.map(BASE + 20 * PAGE, 1);
            assertThat(remap(20, 1, 3)).isEqualTo(-Errno.EINVAL);
            MmFixture.ok(m.mmap(BASE + 30 * PAGE, PAGE, RW, MmapFlags.PRIVATE | MmapFlags.FIXED, file, 0));
            assertThat(remap(30, 1, 3)).isEqualTo(-Errno.EINVAL);
        }

        @Test
        void aSealedMappingIsNotTurned() {
            assertThat(m.sys.mseal().run(m.mm, BASE, PAGES * PAGE, 0)).isZero();
            assertThat(remap(0, 1, 0)).isEqualTo(-Errno.EPERM);
        }
    }

    @Nested
    class Emulated extends BothWays {
        Emulated() {
            super(RemapMode.EMULATE);
        }

        @Test
        void itIsOneMappingACall() {
            assertThat(machine().mm.vmas().size()).isEqualTo(PAGES);
        }
    }

    @Nested
    class Nonlinear extends BothWays {
        Nonlinear() {
            super(RemapMode.NONLINEAR);
        }

        @Test
        void itStaysOneMapping() {
            assertThat(machine().mm.vmas().size()).isEqualTo(1);
            assertThat(machine().mm.vmas().lookup(BASE).has(VmFlags.NONLINEAR)).isTrue();
        }

        @Test
        void pagesInOrderNeedNoNonlinearMapping() {
            MmFixture m = machine();
            long at = BASE + 100 * PAGE;
            MmFixture.ok(m.mmap(at, 4 * PAGE, RW, SHARED, file(), 2));
            assertThat(m.sys.remapFilePages().run(m.mm, m.ctx, at + PAGE, 2 * PAGE, 0, 3, 0))
                    .isZero();
            assertThat(m.mm.vmas().lookup(at).has(VmFlags.NONLINEAR)).isFalse();
            assertThat(m.cpu.load(at + PAGE)).isEqualTo(4);
        }

        @Test
        void withNonblockPagesComeByFaultsOnTheirEntries() {
            MmFixture m = machine();
            assertThat(m.sys.remapFilePages().run(m.mm, m.ctx, BASE, 2 * PAGE, 0, 4, MmapFlags.NONBLOCK))
                    .isZero();
            assertThat(m.mm.rss(MmStruct.FILEPAGES)).isEqualTo(PAGES - 2);
            expect(m.cpu, 5);
            assertThat(m.ctx.path).isEqualTo(FaultPath.NONLINEAR);
            expect(m.cpu, 5, 6, 6, 5, 4, 3, 2, 1);
        }

        @Test
        void writingBackSearchesTheMappingOnceAndNotForEachPage() {
            MemoryConfig config = MemoryConfig.defaults()
                    .withMemBytes(32L << 20)
                    .withRemap(RemapMode.NONLINEAR)
                    .withPtl(PtlMode.MM);
            int pages = 2048;
            try (MmFixture large = new MmFixture(config, MmLimits.ROOT)) {
                MemoryFile all = large.file(pages);
                MmFixture.ok(large.mmap(BASE, pages * PAGE, RW, SHARED, all, 0));
                assertThat(large.sys.remapFilePages().run(large.mm, large.ctx, BASE, PAGE, 0, 1, 0))
                        .isZero();
                for (int i = 1; i < pages; i++) {
                    large.cpu.store(BASE + i * PAGE, i & 0xff);
                }
                long before = large.mm.pageTableLock().acquisitions();
                assertThat(all.mapping().writeback(0, Long.MAX_VALUE)).isZero();
                assertThat(large.mm.pageTableLock().acquisitions() - before).isLessThan(pages);
                large.cpu.store(BASE + 5 * PAGE, 99);
                assertThat(all.mapping().writeback(0, Long.MAX_VALUE)).isZero();
                assertThat(all.byteAt(5 * PAGE)).isEqualTo((byte) 99);
                assertThat(all.byteAt(7 * PAGE)).isEqualTo((byte) 7);
            }
        }

        @Test
        void smapsTellsHowMuchStandsOutOfOrder() {
            MmFixture m = machine();
            assertThat(ProcSmaps.text(m.sys.tables(), m.sys.faultEnv().swap(), m.mm))
                    .contains("Nonlinear:            32 kB\n", " nl");
            m.madvise(BASE, 2 * PAGE, Madv.DONTNEED);
            assertThat(remap(7, 1, 7)).isZero();
            assertThat(ProcSmaps.text(m.sys.tables(), m.sys.faultEnv().swap(), m.mm))
                    .contains("Nonlinear:            28 kB\n");
        }

        @Test
        void partsOfItSplitAndMergeAgain() {
            MmFixture m = machine();
            m.mprotect(BASE + 2 * PAGE, 2 * PAGE, Prot.READ);
            assertThat(m.mm.vmas().size()).isEqualTo(3);
            m.audit();
            m.mprotect(BASE + 2 * PAGE, 2 * PAGE, RW);
            assertThat(m.mm.vmas().size()).isEqualTo(1);
            expect(m.cpu, 8, 7, 6, 5, 4, 3, 2, 1);
        }

        @Test
        void whatWouldForgetTheOrderIsRefused() {
            MmFixture m = machine();
            assertThat(m.madvise(BASE, PAGE, Madv.REMOVE)).isEqualTo(-Errno.EINVAL);
            assertThat(m.madvise(BASE, PAGE, Madv.GUARD_INSTALL)).isEqualTo(-Errno.EINVAL);
            assertThat(remap(0, 1, 1L << 50)).isEqualTo(-Errno.EINVAL);
        }
    }
}
