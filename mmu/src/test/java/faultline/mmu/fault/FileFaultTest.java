package faultline.mmu.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import faultline.mmu.file.AddressSpace;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.table.Pte;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class FileFaultTest {
    private static final long BASE = FaultFixture.BASE;
    private FaultFixture f;
    private MmStruct mm;
    private ModelCpu cpu;
    private MemoryFile file;

    @BeforeEach
    void setUp() {
        f = new FaultFixture();
        mm = f.newMm();
        cpu = f.newCpu(mm);
        file = new MemoryFile(f.cache, 64);
    }

    @AfterEach
    void tearDown() {
        f.close();
    }

    @Test
    void firstReadIsMajorReadsAheadAndMapsThePagesAround() {
        f.mapFile(mm, BASE, 64, FaultFixture.RO, file, 0);

        assertThat(cpu.load(BASE + 3 * Page.SIZE)).isEqualTo(4);

        assertThat(cpu.ctx.majFlt).isEqualTo(1);
        assertThat(file.reads.get()).isEqualTo(1);
        assertThat(mm.rss(MmStruct.FILEPAGES)).isEqualTo(16);
        for (int i = 0; i < 16; i++) {
            assertThat(cpu.load(BASE + i * Page.SIZE)).isEqualTo(i + 1);
        }
        assertThat(cpu.ctx.minFlt).isZero();
    }

    @Test
    void readingAFileThroughCostsOneFaultInSixteenPages() {
        f.mapFile(mm, BASE, 64, FaultFixture.RO, file, 0);

        for (int i = 0; i < 64; i++) {
            assertThat(cpu.load(BASE + i * Page.SIZE)).isEqualTo(i + 1);
        }

        assertThat(cpu.ctx.minFlt + cpu.ctx.majFlt).isEqualTo(4);
        assertThat(cpu.ctx.majFlt).isEqualTo(2);
    }

    @Test
    void windowAroundAFaultIsCutToTheMapping() {
        f.mapFile(mm, BASE + 2 * Page.SIZE, 3, FaultFixture.RO, file, 10);

        assertThat(cpu.load(BASE + 3 * Page.SIZE)).isEqualTo(12);

        assertThat(mm.rss(MmStruct.FILEPAGES)).isEqualTo(3);
        assertThat(cpu.load(BASE + 2 * Page.SIZE)).isEqualTo(11);
        assertThat(cpu.load(BASE + 4 * Page.SIZE)).isEqualTo(13);
    }

    @Test
    void privateWriteCopiesAndLeavesTheFileAlone() {
        f.mapFile(mm, BASE, 4, FaultFixture.RW, file, 0);

        cpu.store(BASE + 1, 99);

        assertThat(cpu.ctx.path).isEqualTo(FaultPath.FILE_COW);
        assertThat(cpu.load(BASE)).isEqualTo(1);
        assertThat(cpu.load(BASE + 1)).isEqualTo(99);
        assertThat(mm.rss(MmStruct.ANONPAGES)).isEqualTo(1);
        file.mapping().writeback(0, Long.MAX_VALUE);
        assertThat(file.byteAt(1)).isZero();
    }

    @Test
    void privateWriteAfterReadCopiesAndMovesTheCount() {
        f.mapFile(mm, BASE, 1, FaultFixture.RW, file, 0);
        cpu.load(BASE);
        assertThat(mm.rss(MmStruct.FILEPAGES)).isEqualTo(1);

        cpu.store(BASE, 50);

        assertThat(cpu.ctx.path).isEqualTo(FaultPath.COW_COPY);
        assertThat(mm.rss(MmStruct.FILEPAGES)).isZero();
        assertThat(mm.rss(MmStruct.ANONPAGES)).isEqualTo(1);
    }

    @Test
    void sharedWriteReachesTheFileAtWriteBackAndIsNoticedAgainAfterwards() {
        f.mapFile(mm, BASE, 1, FaultFixture.SHARED_RW, file, 0);
        cpu.store(BASE, 70);
        assertThat(cpu.ctx.path).isEqualTo(FaultPath.SHARED_WRITE);

        assertThat(file.mapping().writeback(0, Long.MAX_VALUE)).isZero();
        assertThat(file.byteAt(0)).isEqualTo((byte) 70);
        assertThat(Pte.isWrite(f.pte(mm, BASE))).isFalse();

        cpu.store(BASE, 71);
        assertThat(file.mapping().dirtyPages()).isEqualTo(1);
        file.mapping().writeback(0, Long.MAX_VALUE);
        assertThat(file.byteAt(0)).isEqualTo((byte) 71);
    }

    @Test
    void sharedWriteAfterReadIsASecondFault() {
        f.mapFile(mm, BASE, 1, FaultFixture.SHARED_RW, file, 0);
        cpu.load(BASE);
        long before = cpu.ctx.minFlt + cpu.ctx.majFlt;

        cpu.store(BASE, 5);

        assertThat(cpu.ctx.minFlt + cpu.ctx.majFlt).isEqualTo(before + 1);
        assertThat(cpu.ctx.path).isEqualTo(FaultPath.SHARED_WRITE);
    }

    @Test
    void unmappingKeepsWhatWasWritten() {
        var vma = f.mapFile(mm, BASE, 1, FaultFixture.SHARED_RW, file, 0);
        cpu.store(BASE, 33);

        f.unmap(vma);
        file.mapping().writeback(0, Long.MAX_VALUE);

        assertThat(file.byteAt(0)).isEqualTo((byte) 33);
    }

    @Test
    void writeCallIsSeenByMappingsAndMappedWritesByReadCall() {
        f.mapFile(mm, BASE, 2, FaultFixture.SHARED_RW, file, 0);
        cpu.store(BASE + 10, 1);

        byte[] data = {7, 8, 9};
        file.mapping().writeThrough(Page.SIZE - 2, MemorySegment.ofArray(data), 3, file::hostWrite);
        byte[] got = new byte[16];
        long n = file.mapping().readCached(10, MemorySegment.ofArray(got), 1);

        assertThat(cpu.load(BASE + Page.SIZE - 2)).isEqualTo(7);
        assertThat(cpu.load(BASE + Page.SIZE)).isEqualTo(9);
        assertThat(n).isEqualTo(1);
        assertThat(got[0]).isEqualTo((byte) 1);
        assertThat(file.byteAt(Page.SIZE)).isEqualTo((byte) 9);
    }

    @Test
    void accessBeyondTheEndIsBusAdrerr() {
        f.mapFile(mm, BASE, 66, FaultFixture.RO, file, 0);

        ModelCpu.Signal signal =
                catchThrowableOfType(ModelCpu.Signal.class, () -> cpu.load(BASE + 64 * Page.SIZE + 12));

        assertThat(signal.signo).isEqualTo(FaultHandler.SIGBUS);
        assertThat(signal.code).isEqualTo(FaultHandler.BUS_ADRERR);
        assertThat(signal.address).isEqualTo(BASE + 64 * Page.SIZE + 12);
    }

    @Test
    void truncationDropsMappingsPrivateCopiesAndCachedPages() {
        f.mapFile(mm, BASE, 8, FaultFixture.RW, file, 0);
        cpu.store(BASE + 5 * Page.SIZE, 1);
        cpu.store(BASE, 2);

        file.mapping().truncate(4 * Page.SIZE, file::resizeTo);

        assertThat(catchThrowableOfType(ModelCpu.Signal.class, () -> cpu.load(BASE + 5 * Page.SIZE)).signo)
                .isEqualTo(FaultHandler.SIGBUS);
        assertThat(cpu.load(BASE)).isEqualTo(2);
        assertThat(file.mapping().cachedPages()).isLessThanOrEqualTo(4);
    }

    @Test
    void holeReadsAsZerosInSharedMappingsAndLeavesPrivateCopiesAlone() {
        MmStruct other = f.newMm();
        f.mapFile(mm, BASE, 4, FaultFixture.SHARED_RW, file, 0);
        f.mapFile(other, BASE, 4, FaultFixture.RW, file, 0);
        ModelCpu privately = f.newCpu(other);
        cpu.store(BASE + Page.SIZE, 9);
        privately.store(BASE + Page.SIZE, 7);
        privately.load(BASE + 2 * Page.SIZE);

        assertThat(file.mapping().punchHole(1, 2)).isZero();

        assertThat(cpu.load(BASE + Page.SIZE)).isZero();
        assertThat(privately.load(BASE + Page.SIZE)).isEqualTo(7);
        assertThat(privately.load(BASE + 2 * Page.SIZE)).isZero();
        assertThat(cpu.load(BASE + 3 * Page.SIZE)).isEqualTo(4);
    }

    @Test
    void tailOfTheLastPageReadsAsZerosAfterTruncationAndGrowth() {
        f.mapFile(mm, BASE, 1, FaultFixture.SHARED_RW, file, 0);
        cpu.store(BASE + 100, 77);

        file.mapping().truncate(100, file::resizeTo);
        file.mapping().truncate(4096, file::resizeTo);

        assertThat(cpu.load(BASE + 100)).isZero();
        assertThat(cpu.load(BASE)).isEqualTo(1);
    }

    @Test
    void brokenStoreIsBusErrorAndWorksAgainWhenMended() {
        f.mapFile(mm, BASE, 1, FaultFixture.RO, file, 0);
        file.broken = true;
        assertThat(catchThrowableOfType(ModelCpu.Signal.class, () -> cpu.load(BASE)).signo)
                .isEqualTo(FaultHandler.SIGBUS);

        file.broken = false;

        assertThat(cpu.load(BASE)).isEqualTo(1);
    }

    @Test
    void writingToAFullDiskIsBusErrorInsteadOfLost() {
        f.mapFile(mm, BASE, 2, FaultFixture.SHARED_RW, file, 0);
        cpu.load(BASE);
        file.full = true;
        for (int i = 0; i < 2; i++) {
            long at = BASE + i * Page.SIZE;
            assertThat(catchThrowableOfType(ModelCpu.Signal.class, () -> cpu.store(at, 9)).signo)
                    .isEqualTo(FaultHandler.SIGBUS);
        }
        assertThat(cpu.load(BASE)).isEqualTo(1);
        file.full = false;
        cpu.store(BASE, 9);
        assertThat(file.mapping().dirtyPages()).isEqualTo(1);
    }

    @Test
    void growthBehindAPartOfAPageAsksForRoomAnew() {
        file.mapping().truncate(100, bytes -> 0);
        f.mapFile(mm, BASE, 1, FaultFixture.SHARED_RW, file, 0);
        cpu.store(BASE, 9);
        file.full = true;
        cpu.store(BASE, 10);

        assertThat(file.mapping().truncate(2000, bytes -> 0)).isZero();

        assertThat(catchThrowableOfType(ModelCpu.Signal.class, () -> cpu.store(BASE + 1500, 9)).signo)
                .isEqualTo(FaultHandler.SIGBUS);
        assertThat(file.mapping().dirtyPages()).isEqualTo(1);
    }

    @Test
    void failedWriteBackIsReportedOnce() {
        f.mapFile(mm, BASE, 1, FaultFixture.SHARED_RW, file, 0);
        cpu.store(BASE, 5);
        file.broken = true;

        assertThat(file.mapping().writeback(0, Long.MAX_VALUE)).isEqualTo(-5);
        assertThat(file.mapping().writeback(0, Long.MAX_VALUE)).isZero();
    }

    @Test
    void lockedPageEndsInRetryWhereWaitingIsNotAllowed() {
        f.mapFile(mm, BASE, 1, FaultFixture.RO, file, 0);
        long pfn = file.mapping().readPage(0, true, false) & ~AddressSpace.WAS_READ;
        f.cache.lockPage(pfn);
        cpu.ctx.mayWait = false;

        int outcome = f.faults.doUserAddrFault(mm, BASE, FaultHandler.PF_USER, cpu.ctx);
        f.cache.unlockPage(pfn);
        f.phys.allocator().putPage(pfn);

        assertThat(outcome).isEqualTo(FaultHandler.FAULT_RETRY);
        assertThat(cpu.ctx.minFlt + cpu.ctx.majFlt).isZero();
        assertThat(cpu.load(BASE)).isEqualTo(1);
    }

    @Test
    void sharedMemoryIsWritableAtOnceAndCountedAsSuch() {
        AddressSpace shmem = AddressSpace.shmem(f.cache, 8 * Page.SIZE);
        f.mapFile(mm, BASE, 8, FaultFixture.SHARED_RW, new SharedMemory(shmem), 0);
        MmStruct other = f.newMm();
        f.mapFile(other, BASE, 8, FaultFixture.SHARED_RW, new SharedMemory(shmem), 0);
        ModelCpu otherCpu = f.newCpu(other);

        assertThat(cpu.load(BASE)).isZero();
        cpu.store(BASE, 11);

        assertThat(otherCpu.load(BASE)).isEqualTo(11);
        assertThat(mm.rss(MmStruct.SHMEMPAGES)).isEqualTo(1);
        assertThat(cpu.ctx.majFlt).isZero();
        assertThat(f.phys.frames().test(Pte.pfn(f.pte(mm, BASE)), PageFlags.ANON))
                .isFalse();
    }
}
