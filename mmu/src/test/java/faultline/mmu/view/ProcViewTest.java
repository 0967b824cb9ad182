package faultline.mmu.view;

import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.PAGE;
import static faultline.mmu.system.MmFixture.RW;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.fault.MemoryFile;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.Prot;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.op.ClearRefs;
import faultline.mmu.system.MmFixture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ProcViewTest {
    private final MmFixture m = new MmFixture();

    @AfterEach
    void close() {
        m.close();
    }

    @Test
    void mapsHasLinuxsColumns() {
        MemoryFile file = m.file(4);
        m.map(BASE, 2);
        MmFixture.ok(m.mmap(BASE + 3 * PAGE, PAGE, Prot.READ, MmapFlags.SHARED | MmapFlags.FIXED, file, 2));
        assertThat(ProcMaps.text(m.mm)).isEqualTo("""
                100000000000-100000002000 rw-p 00000000 00:00 0\s
                100000003000-100000004000 r--s 00002000 00:01 1                          /memory-file
                """);
    }

    @Test
    void lowAddressesArePaddedToEightDigits() {
        MmFixture.ok(m.mmap(0x10000, PAGE, RW, MmFixture.FIXED));
        assertThat(ProcMaps.text(m.mm)).startsWith("00010000-00011000 rw-p 00000000 00:00 0 \n");
    }

    @Test
    void heapAndStackAreNamed() {
        m.mm.setStartBrk(BASE, BASE);
        MmFixture.ok(m.sys.brk().run(m.mm, m.ctx, BASE + PAGE));
        assertThat(m.sys.stackArea().create(m.mm)).isZero();
        assertThat(m.sys.stackArea().place(m.mm, 0x7fff_0000_0000L, false)).isZero();
        m.mm.setStartStack(0x7fff_0000_0000L - 16);
        assertThat(ProcMaps.text(m.mm)).isEqualTo("""
                100000000000-100000001000 rw-p 00000000 00:00 0                          [heap]
                7ffefffdf000-7fff00000000 rw-p 00000000 00:00 0                          [stack]
                """);
    }

    @Test
    void smapsAddsUpPagesAndLooksWithoutTouching() {
        m.map(BASE, 4);
        m.cpu.store(BASE, 1);
        m.cpu.store(BASE + PAGE, 1);
        assertThat(m.cpu.load(BASE + 2 * PAGE)).isZero();
        int tables = m.mm.nrPtes();
        String text = ProcSmaps.text(m.sys.tables(), m.sys.faultEnv().swap(), m.mm);
        assertThat(text).isEqualTo("""
                100000000000-100000004000 rw-p 00000000 00:00 0\s
                Size:                 16 kB
                KernelPageSize:        4 kB
                MMUPageSize:           4 kB
                Rss:                   8 kB
                Pss:                   8 kB
                Pss_Dirty:             8 kB
                Shared_Clean:          0 kB
                Shared_Dirty:          0 kB
                Private_Clean:         0 kB
                Private_Dirty:         8 kB
                Referenced:            8 kB
                Anonymous:             8 kB
                KSM:                   0 kB
                LazyFree:              0 kB
                AnonHugePages:         0 kB
                ShmemPmdMapped:        0 kB
                FilePmdMapped:         0 kB
                Shared_Hugetlb:        0 kB
                Private_Hugetlb:       0 kB
                Swap:                  0 kB
                SwapPss:               0 kB
                Locked:                0 kB
                THPeligible:           0
                VmFlags: rd wr mr mw me ac\s
                """);
        assertThat(ProcSmaps.text(m.sys.tables(), m.sys.faultEnv().swap(), m.mm))
                .isEqualTo(text);
        assertThat(m.mm.nrPtes()).isEqualTo(tables);
    }

    @Test
    void pagesOfAForkedChildAreSharedUntilWritten() {
        m.map(BASE, 2);
        m.fill(BASE, 2, 1);
        MmStruct child = m.newMm(MmLimits.ROOT);
        assertThat(m.sys.fork().dupMmap(child, m.mm, m.ctx)).isZero();
        m.cpu.store(BASE, 9);
        assertThat(ProcSmaps.rollup(m.sys.tables(), m.sys.faultEnv().swap(), m.mm))
                .startsWith("100000000000-100000002000 ---p 00000000 00:00 0                          [rollup]\n")
                .contains("Rss:                   8 kB\n")
                .contains("Pss:                   6 kB\n")
                .contains("Pss_Anon:              6 kB\n")
                .contains("Shared_Dirty:          4 kB\n")
                .contains("Private_Dirty:         4 kB\n");
    }

    @Test
    void pagemapTellsPresentFileAndExclusivePages() {
        MemoryFile file = m.file(2);
        m.map(BASE, 3);
        m.cpu.store(BASE, 1);
        assertThat(m.cpu.load(BASE + PAGE)).isZero();
        MmFixture.ok(m.mmap(BASE + 3 * PAGE, PAGE, Prot.READ, MmapFlags.SHARED | MmapFlags.FIXED, file, 0));
        assertThat(m.cpu.load(BASE + 3 * PAGE)).isEqualTo(1);
        long[] bits = new long[5];
        PageMap.read(m.sys.tables(), m.mm, BASE, bits, false);
        long shown = ~PageMap.SOFT_DIRTY;
        assertThat(bits[0] & shown).isEqualTo(PageMap.PRESENT | PageMap.EXCLUSIVE);
        assertThat(bits[1] & shown).isEqualTo(PageMap.PRESENT);
        assertThat(bits[2]).as("a fresh mapping counts as written").isEqualTo(PageMap.SOFT_DIRTY);
        assertThat(bits[3] & shown).isEqualTo(PageMap.PRESENT | PageMap.FILE | PageMap.EXCLUSIVE);
        assertThat(bits[4]).isZero();
        PageMap.read(m.sys.tables(), m.mm, BASE, bits, true);
        assertThat(bits[0] & PageMap.PFN_MASK).isNotZero();
    }

    @Test
    void statusCountsKilobytesInLinuxsColumns() {
        m.map(BASE, 4);
        m.fill(BASE, 2, 1);
        assertThat(ProcStatus.vmLines(m.mm)).isEqualTo("""
                VmPeak:\t      16 kB
                VmSize:\t      16 kB
                VmLck:\t       0 kB
                VmPin:\t       0 kB
                VmHWM:\t       8 kB
                VmRSS:\t       8 kB
                RssAnon:\t       8 kB
                RssFile:\t       0 kB
                RssShmem:\t       0 kB
                VmData:\t      16 kB
                VmStk:\t       0 kB
                VmExe:\t       0 kB
                VmLib:\t       0 kB
                VmPTE:\t      12 kB
                VmSwap:\t       0 kB
                """);
        assertThat(ProcStatus.statm(m.mm)).isEqualTo("4 2 0 0 0 4 0\n");
    }

    @Test
    void lockedSharedMemoryIsCountedAsLocked() {
        long at = MmFixture.ok(m.mmap(BASE, 2 * PAGE, RW, MmapFlags.SHARED | MmapFlags.ANONYMOUS | MmapFlags.LOCKED));
        assertThat(m.mm.vmas().lookup(at).has(VmFlags.LOCKED)).isTrue();
        assertThat(ProcSmaps.text(m.sys.tables(), m.sys.faultEnv().swap(), m.mm))
                .contains("Locked:                8 kB\n")
                .contains("VmFlags: rd wr sh mr mw me ms lo \n")
                .contains("/dev/zero (deleted)\n");
    }

    @Test
    void numaMapsCountsPagesOfEachMapping() {
        MemoryFile file = m.file(4);
        m.map(BASE, 4);
        m.fill(BASE, 2, 1);
        assertThat(m.cpu.load(BASE + 3 * PAGE)).isZero();
        MmFixture.ok(m.mmap(BASE + 8 * PAGE, 4 * PAGE, RW, MmapFlags.PRIVATE | MmapFlags.FIXED, file, 0));
        assertThat(m.cpu.load(BASE + 8 * PAGE)).isEqualTo(1);
        m.cpu.store(BASE + 9 * PAGE, 7);
        MmFixture.ok(m.mmap(BASE + 16 * PAGE, PAGE, Prot.NONE, MmFixture.FIXED));
        String text = ProcNumaMaps.text(m.sys.tables(), m.mm, null).replaceAll(" active=[0-9]+", "");
        assertThat(text).isEqualTo("""
                100000000000 default anon=2 dirty=2 N0=2 kernelpagesize_kB=4
                100000008000 default file=/memory-file anon=1 dirty=1 mapped=4 N0=4 kernelpagesize_kB=4
                100000010000 default
                """);
    }

    /** Seed 001: the accessed flag of follow_page went because looking is not using. */
    @Test
    void lookingNeverMarksAPageAccessed() {
        MemoryFile file = m.file(4);
        m.map(BASE, 4);
        m.fill(BASE, 2, 1);
        MmFixture.ok(m.mmap(BASE + 8 * PAGE, 4 * PAGE, RW, MmapFlags.SHARED | MmapFlags.FIXED, file, 0));
        m.cpu.store(BASE + 8 * PAGE, 1);
        assertThat(ProcSmaps.rollup(m.sys.tables(), m.sys.faultEnv().swap(), m.mm))
                .doesNotContain("Referenced:            0 kB");
        assertThat(ClearRefs.run(m.sys.tables(), m.mm, ClearRefs.ALL)).isZero();
        int tables = m.mm.nrPtes();
        long faults = m.ctx.minFlt + m.ctx.majFlt;

        ProcNumaMaps.text(m.sys.tables(), m.mm, null);
        ProcSmaps.text(m.sys.tables(), m.sys.faultEnv().swap(), m.mm);
        ProcMaps.text(m.mm);
        ProcStatus.vmLines(m.mm);
        PageMap.read(m.sys.tables(), m.mm, BASE, new long[600], true);

        assertThat(ProcSmaps.rollup(m.sys.tables(), m.sys.faultEnv().swap(), m.mm))
                .contains("Referenced:            0 kB\n");
        assertThat(m.mm.nrPtes()).isEqualTo(tables);
        assertThat(m.ctx.minFlt + m.ctx.majFlt).isEqualTo(faults);
    }
}
