package faultline.mmu.op;

import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.PAGE;
import static faultline.mmu.system.MmFixture.RW;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.Errno;
import faultline.mmu.fault.MemoryFile;
import faultline.mmu.mm.Madv;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.Prot;
import faultline.mmu.system.MmFixture;
import faultline.mmu.view.PageMap;
import faultline.mmu.view.ProcSmaps;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ClearRefsTest {
    private static final int SHARED = MmapFlags.SHARED | MmapFlags.FIXED;

    private final MmFixture m = new MmFixture();

    @AfterEach
    void close() {
        m.close();
    }

    private void clear(int type) {
        assertThat(ClearRefs.run(m.sys.tables(), m.mm, type)).isZero();
    }

    /** Which pages from {@code start} on are soft-dirty: "W" written, "." not. */
    private String written(MmStruct mm, long start, int pages) {
        long[] entries = new long[pages];
        PageMap.read(m.sys.tables(), mm, start, entries, false);
        StringBuilder text = new StringBuilder();
        for (long entry : entries) {
            text.append((entry & PageMap.SOFT_DIRTY) != 0 ? 'W' : '.');
        }
        return text.toString();
    }

    private String referenced() {
        return ProcSmaps.rollup(m.sys.tables(), m.sys.faultEnv().swap(), m.mm)
                .lines()
                .filter(line -> line.startsWith("Referenced:"))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void freshMappingsCountAsWritten() {
        m.map(BASE, 4);
        assertThat(written(m.mm, BASE, 5)).isEqualTo("WWWW.");
    }

    @Test
    void onlyPagesWrittenSinceAreSoftDirty() {
        m.map(BASE, 4);
        m.fill(BASE, 3, 1);
        clear(ClearRefs.SOFT_DIRTY);
        assertThat(written(m.mm, BASE, 4)).isEqualTo("....");
        assertThat(m.cpu.load(BASE)).isEqualTo(1);
        m.cpu.store(BASE + PAGE, 9);
        m.cpu.store(BASE + 3 * PAGE, 9);
        assertThat(written(m.mm, BASE, 4)).isEqualTo(".W.W");
    }

    @Test
    void aSecondClearNoticesTheNextWriteAgain() {
        m.map(BASE, 1);
        for (int i = 0; i < 3; i++) {
            m.cpu.store(BASE, i);
            assertThat(written(m.mm, BASE, 1)).isEqualTo("W");
            clear(ClearRefs.SOFT_DIRTY);
            assertThat(written(m.mm, BASE, 1)).isEqualTo(".");
        }
    }

    @Test
    void writesToSharedFilePagesAreNoticed() {
        MemoryFile file = m.file(4);
        MmFixture.ok(m.mmap(BASE, 4 * PAGE, RW, SHARED, file, 0));
        m.fill(BASE, 2, 1);
        clear(ClearRefs.SOFT_DIRTY);
        m.cpu.store(BASE + PAGE, 5);
        assertThat(m.cpu.load(BASE + 2 * PAGE)).isEqualTo(3);
        assertThat(written(m.mm, BASE, 4)).isEqualTo(".W..");
    }

    @Test
    void writesToSharedMemoryAreNoticed() {
        MmFixture.ok(m.mmap(BASE, 4 * PAGE, RW, SHARED | MmapFlags.ANONYMOUS));
        m.fill(BASE, 2, 1);
        clear(ClearRefs.SOFT_DIRTY);
        assertThat(m.cpu.load(BASE + 2 * PAGE)).isZero();
        m.cpu.store(BASE + PAGE, 5);
        m.cpu.store(BASE + 2 * PAGE, 5);
        assertThat(written(m.mm, BASE, 4)).isEqualTo(".WW.");
    }

    @Test
    void rightsThatComeBackDoNotHideAWrite() {
        m.map(BASE, 2);
        m.fill(BASE, 2, 1);
        clear(ClearRefs.SOFT_DIRTY);
        assertThat(m.mprotect(BASE, 2 * PAGE, Prot.READ)).isZero();
        assertThat(m.mprotect(BASE, 2 * PAGE, RW)).isZero();
        m.cpu.store(BASE, 4);
        assertThat(written(m.mm, BASE, 2)).isEqualTo("W.");
    }

    @Test
    void aMappingMadeOrGrownSinceCountsAsWritten() {
        m.map(BASE, 2);
        clear(ClearRefs.SOFT_DIRTY);
        m.map(BASE + 2 * PAGE, 1);
        assertThat(m.mm.vmas().lookup(BASE))
                .as("one mapping")
                .isSameAs(m.mm.vmas().lookup(BASE + 2 * PAGE));
        assertThat(written(m.mm, BASE, 3)).isEqualTo("WWW");
    }

    @Test
    void droppedPagesAreClean() {
        m.map(BASE, 2);
        m.fill(BASE, 2, 1);
        clear(ClearRefs.SOFT_DIRTY);
        m.cpu.store(BASE, 7);
        assertThat(m.madvise(BASE, PAGE, Madv.DONTNEED)).isZero();
        assertThat(written(m.mm, BASE, 2)).isEqualTo("..");
    }

    @Test
    void aForkedChildKeepsItsParentsMarksAndMakesItsOwn() {
        m.map(BASE, 3);
        m.fill(BASE, 3, 1);
        clear(ClearRefs.SOFT_DIRTY);
        m.cpu.store(BASE, 9);
        MmStruct child = m.newMm(MmLimits.ROOT);
        assertThat(m.sys.fork().dupMmap(child, m.mm, m.ctx)).isZero();
        m.newCpu(child).store(BASE + PAGE, 9);
        assertThat(written(child, BASE, 3)).isEqualTo("WW.");
        assertThat(written(m.mm, BASE, 3)).isEqualTo("W..");
    }

    @Test
    void accessIsForgottenByKindOfMapping() {
        MemoryFile file = m.file(4);
        m.map(BASE, 2);
        m.fill(BASE, 2, 1);
        MmFixture.ok(m.mmap(BASE + 8 * PAGE, PAGE, Prot.READ, SHARED, file, 0));
        assertThat(m.cpu.load(BASE + 8 * PAGE)).isEqualTo(1);
        assertThat(referenced()).isEqualTo("Referenced:           12 kB");
        clear(ClearRefs.MAPPED);
        assertThat(referenced()).isEqualTo("Referenced:            8 kB");
        clear(ClearRefs.ANON);
        assertThat(referenced()).isEqualTo("Referenced:            0 kB");
        assertThat(m.cpu.load(BASE)).isEqualTo(1);
        assertThat(referenced()).isEqualTo("Referenced:            4 kB");
        clear(ClearRefs.ALL);
        assertThat(referenced()).isEqualTo("Referenced:            0 kB");
    }

    @Test
    void thePeakStartsAnew() {
        m.map(BASE, 8);
        m.fill(BASE, 8, 1);
        assertThat(m.munmap(BASE, 6 * PAGE)).isZero();
        assertThat(m.mm.hiwaterRss()).isEqualTo(8);
        clear(ClearRefs.HIWATER_RSS);
        assertThat(m.mm.hiwaterRss()).isEqualTo(2);
    }

    @Test
    void otherNumbersMeanNothing() {
        assertThat(ClearRefs.run(m.sys.tables(), m.mm, 0)).isEqualTo(-Errno.EINVAL);
        assertThat(ClearRefs.run(m.sys.tables(), m.mm, 6)).isEqualTo(-Errno.EINVAL);
    }
}
