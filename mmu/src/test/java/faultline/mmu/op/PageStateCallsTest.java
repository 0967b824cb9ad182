package faultline.mmu.op;

import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.FIXED;
import static faultline.mmu.system.MmFixture.PAGE;
import static faultline.mmu.system.MmFixture.RW;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.Errno;
import faultline.mmu.fault.MemoryFile;
import faultline.mmu.mm.Madv;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.Prot;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.system.MmFixture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** madvise, mincore, msync, mlock and remap_file_pages: what they do to pages. */
class PageStateCallsTest {
    private final MmFixture m = new MmFixture();

    @AfterEach
    void close() {
        m.close();
    }

    private byte[] mincore(long addr, int pages) {
        byte[] all = new byte[pages];
        int done = 0;
        while (done < pages) {
            byte[] vec = new byte[pages - done];
            int got = (int) MmFixture.ok(m.sys.mincore().run(m.mm, addr + done * PAGE, vec.length, vec));
            System.arraycopy(vec, 0, all, done, got);
            done += got;
        }
        return all;
    }

    @Test
    void dontNeedDropsPrivatePagesAndShowsTheFileAgain() {
        MemoryFile file = m.file(2);
        m.map(BASE, 2);
        m.fill(BASE, 2, 1);
        long f = MmFixture.ok(m.mmap(BASE + 8 * PAGE, 2 * PAGE, RW, MmapFlags.PRIVATE, file, 0));
        m.cpu.store(f, 99);
        assertThat(m.madvise(BASE, 2 * PAGE, Madv.DONTNEED)).isZero();
        assertThat(m.madvise(f, 2 * PAGE, Madv.DONTNEED)).isZero();
        assertThat(m.cpu.load(BASE)).isZero();
        assertThat(m.cpu.load(f)).isEqualTo(1);
    }

    @Test
    void aHoleIsReportedAfterTheRestHasBeenAdvised() {
        m.map(BASE, 1);
        m.map(BASE + 2 * PAGE, 1);
        m.cpu.store(BASE, 1);
        m.cpu.store(BASE + 2 * PAGE, 1);
        assertThat(m.madvise(BASE, 3 * PAGE, Madv.DONTNEED)).isEqualTo(-Errno.ENOMEM);
        assertThat(m.cpu.load(BASE)).isZero();
        assertThat(m.cpu.load(BASE + 2 * PAGE)).isZero();
    }

    @Test
    void freedPagesKeepTheirContentWhileMemoryIsPlenty() {
        m.map(BASE, 2);
        m.fill(BASE, 2, 4);
        assertThat(m.madvise(BASE, 2 * PAGE, Madv.FREE)).isZero();
        assertThat(m.cpu.load(BASE)).isEqualTo(4);
        m.cpu.store(BASE, 8);
        assertThat(m.cpu.load(BASE)).isEqualTo(8);
    }

    @Test
    void removeEmptiesSharedMemoryForAllMappings() {
        long at = MmFixture.ok(m.mmap(BASE, 3 * PAGE, RW, MmapFlags.SHARED | MmapFlags.ANONYMOUS | MmapFlags.FIXED));
        m.fill(at, 3, 1);
        long twin = MmFixture.ok(m.mremap(at, 0, 3 * PAGE, MmapFlags.MREMAP_MAYMOVE, 0));
        assertThat(m.cpu.load(twin + PAGE)).isEqualTo(2);
        assertThat(m.madvise(at + PAGE, PAGE, Madv.REMOVE)).isZero();
        assertThat(m.cpu.load(twin + PAGE)).isZero();
        assertThat(m.cpu.load(at + 2 * PAGE)).isEqualTo(3);
    }

    @Test
    void populateWriteMakesPagesThatAreWrittenWithoutFault() {
        m.map(BASE, 4);
        assertThat(m.madvise(BASE, 4 * PAGE, Madv.POPULATE_WRITE)).isZero();
        long faults = m.ctx.minFlt;
        m.fill(BASE, 4, 1);
        assertThat(m.ctx.minFlt).isEqualTo(faults);
    }

    @Test
    void mincoreShowsWhatIsInMemory() {
        m.map(BASE, 3);
        m.cpu.store(BASE + PAGE, 1);
        assertThat(mincore(BASE, 3)).containsExactly(0, 1, 0);
        MemoryFile file = m.file(40);
        long f = MmFixture.ok(m.mmap(0, 40 * PAGE, Prot.READ, MmapFlags.SHARED, file, 0));
        assertThat(mincore(f, 1)).containsExactly(0);
        m.cpu.load(f);
        assertThat(mincore(f, 2)).containsExactly(1, 1);
    }

    @Test
    void mincoreChecksItsArguments() {
        assertThat(Mincore.pages(BASE + 1, PAGE)).isEqualTo(-Errno.EINVAL);
        assertThat(Mincore.pages(BASE, PAGE + 1)).isEqualTo(2);
        assertThat(Mincore.pages(BASE, -1)).isEqualTo(-Errno.ENOMEM);
        assertThat(m.sys.mincore().run(m.mm, BASE, 1, new byte[1])).isEqualTo(-Errno.ENOMEM);
    }

    @Test
    void msyncReportsHolesAndLockedMappings() {
        m.map(BASE, 1);
        m.map(BASE + 2 * PAGE, 1);
        Msync msync = m.sys.msync();
        assertThat(msync.run(m.mm, BASE, 3 * PAGE, Msync.MS_SYNC)).isEqualTo(-Errno.ENOMEM);
        assertThat(msync.run(m.mm, BASE, 3 * PAGE, Msync.MS_ASYNC)).isEqualTo(-Errno.ENOMEM);
        assertThat(msync.run(m.mm, BASE, PAGE, Msync.MS_ASYNC)).isZero();
        assertThat(msync.run(m.mm, BASE, PAGE, Msync.MS_ASYNC | Msync.MS_SYNC)).isEqualTo(-Errno.EINVAL);
        assertThat(msync.run(m.mm, BASE, PAGE, 8)).isEqualTo(-Errno.EINVAL);
        assertThat(msync.run(m.mm, BASE + 1, PAGE, Msync.MS_SYNC)).isEqualTo(-Errno.EINVAL);
        assertThat(msync.run(m.mm, BASE, -PAGE, Msync.MS_SYNC)).isEqualTo(-Errno.ENOMEM);
        assertThat(m.sys.mlock().mlock(m.mm, m.ctx, BASE, PAGE)).isZero();
        assertThat(msync.run(m.mm, BASE, PAGE, Msync.MS_INVALIDATE)).isEqualTo(-Errno.EBUSY);
    }

    @Test
    void mlockBringsPagesInAndSplitsMappings() {
        m.map(BASE, 3);
        assertThat(m.sys.mlock().mlock(m.mm, m.ctx, BASE + PAGE + 5, 10)).isZero();
        assertThat(m.shape()).containsExactly("0-1 rw-p", "1-2 rw-p", "2-3 rw-p");
        assertThat(m.mm.lockedVm()).isEqualTo(1);
        assertThat(mincore(BASE, 3)).containsExactly(0, 1, 0);
        assertThat(m.sys.mlock().munlock(m.mm, BASE, 3 * PAGE)).isZero();
        assertThat(m.shape()).containsExactly("0-3 rw-p");
        assertThat(m.mm.lockedVm()).isZero();
    }

    @Test
    void mlockOfAHoleFailsAfterThePartBeforeIt() {
        m.map(BASE, 1);
        assertThat(m.sys.mlock().mlock(m.mm, m.ctx, BASE, 2 * PAGE)).isEqualTo(-Errno.ENOMEM);
        assertThat(m.mm.lockedVm()).isEqualTo(1);
        assertThat(m.sys.mlock().mlock2(m.mm, m.ctx, BASE, PAGE, 2)).isEqualTo(-Errno.EINVAL);
    }

    @Test
    void lockOnFaultWaitsForTheTouch() {
        m.map(BASE, 2);
        assertThat(m.sys.mlock().mlock2(m.mm, m.ctx, BASE, 2 * PAGE, Mlock.MLOCK_ONFAULT))
                .isZero();
        assertThat(mincore(BASE, 2)).containsExactly(0, 0);
        assertThat(m.mm.lockedVm()).isEqualTo(2);
    }

    @Test
    void mlockallCoversWhatIsAndWhatWillBe() {
        m.map(BASE, 2);
        assertThat(m.sys.mlock().mlockall(m.mm, m.ctx, 0)).isEqualTo(-Errno.EINVAL);
        assertThat(m.sys.mlock().mlockall(m.mm, m.ctx, Mlock.MCL_ONFAULT)).isEqualTo(-Errno.EINVAL);
        assertThat(m.sys.mlock().mlockall(m.mm, m.ctx, Mlock.MCL_CURRENT | Mlock.MCL_FUTURE))
                .isZero();
        MmFixture.ok(m.mmap(BASE + 8 * PAGE, PAGE, RW, FIXED));
        assertThat(m.mm.lockedVm()).isEqualTo(3);
        assertThat(m.mm.rssPages()).isEqualTo(3);
        assertThat(m.sys.mlock().munlockall(m.mm)).isZero();
        assertThat(m.mm.lockedVm()).isZero();
        assertThat(m.mm.defFlags() & VmFlags.LOCKED).isZero();
    }

    @Test
    void remapFilePagesShowsOtherPagesOfTheFile() {
        MemoryFile file = m.file(8);
        long at = MmFixture.ok(m.mmap(BASE, 4 * PAGE, RW, MmapFlags.SHARED | MmapFlags.FIXED, file, 0));
        RemapFilePages remap = m.sys.remapFilePages();
        assertThat(remap.run(m.mm, m.ctx, at, PAGE, 0, 3, 0)).isZero();
        assertThat(remap.run(m.mm, m.ctx, at + 3 * PAGE, PAGE, 0, 0, 0)).isZero();
        assertThat(m.cpu.load(at)).isEqualTo(4);
        assertThat(m.cpu.load(at + PAGE)).isEqualTo(2);
        assertThat(m.cpu.load(at + 3 * PAGE)).isEqualTo(1);
        assertThat(remap.run(m.mm, m.ctx, at, PAGE, 1, 3, 0)).isEqualTo(-Errno.EINVAL);
        m.map(BASE + 20 * PAGE, 1);
        assertThat(remap.run(m.mm, m.ctx, BASE + 20 * PAGE, PAGE, 0, 3, 0)).isEqualTo(-Errno.EINVAL);
    }
}
