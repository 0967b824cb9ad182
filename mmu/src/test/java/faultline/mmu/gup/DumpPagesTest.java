package faultline.mmu.gup;

import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.PAGE;
import static faultline.mmu.system.MmFixture.RW;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.Prot;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.Page;
import faultline.mmu.system.MmFixture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class DumpPagesTest {
    private static final long HUGE = 64L << 30;

    private final MmFixture m = new MmFixture();
    private final DumpPages dump = new DumpPages(m.sys.gup(), m.sys.faultEnv());

    @AfterEach
    void close() {
        m.close();
    }

    private void release(long pfn) {
        m.sys.phys().allocator().putPage(pfn);
    }

    /** The addresses that are not holes. */
    private String found(long start, long end) {
        StringBuilder text = new StringBuilder();
        Vma vma = m.mm.vmas().lookup(start);
        for (long at = dump.skipUntouched(vma, start, end); at < end; at = dump.skipUntouched(vma, at + PAGE, end)) {
            long pfn = dump.pin(m.mm, at, m.ctx);
            if (pfn != DumpPages.HOLE) {
                text.append(Long.toHexString(at - start)).append(' ');
                release(pfn);
            }
        }
        return text.toString();
    }

    @Test
    void sixtyFourUntouchedGibibytesAddNoPageTable() {
        MmFixture.ok(m.mmap(BASE, HUGE, RW, MmFixture.FIXED | MmapFlags.NORESERVE));
        m.cpu.store(BASE + HUGE / 2, 5);
        long tables = m.mm.pageTableBytes();
        long free = m.sys.phys().allocator().freeFrames();

        assertThat(found(BASE, BASE + HUGE)).isEqualTo("800000000 ");

        assertThat(m.mm.pageTableBytes()).isEqualTo(tables);
        assertThat(m.sys.phys().allocator().freeFrames()).isEqualTo(free);
    }

    /** The shortcut alone, page by page: what the skipping saves is time. */
    @Test
    void anUntouchedPageIsAHoleAndGetsNoTable() {
        MmFixture.ok(m.mmap(BASE, 8 * PAGE, RW, MmFixture.FIXED));
        for (int i = 0; i < 8; i++) {
            assertThat(dump.pin(m.mm, BASE + i * PAGE, m.ctx)).isEqualTo(DumpPages.HOLE);
        }
        assertThat(m.mm.nrPtes()).isZero();
        assertThat(m.ctx.minFlt).isZero();
    }

    @Test
    void lockedAreasAreMadePresentAsTheSeedAsks() {
        MmFixture.ok(m.mmap(BASE, PAGE, RW, MmFixture.FIXED | MmapFlags.LOCKED));
        long pfn = dump.pin(m.mm, BASE, m.ctx);
        assertThat(pfn).isNotEqualTo(DumpPages.HOLE);
        release(pfn);
    }

    @Test
    void pagesWithoutRightsAreReadAllTheSame() {
        m.map(BASE, 1);
        m.cpu.store(BASE, 7);
        assertThat(m.mprotect(BASE, PAGE, Prot.NONE)).isZero();
        long pfn = dump.pin(m.mm, BASE, m.ctx);
        assertThat(m.sys.phys().getByte(Page.address(pfn))).isEqualTo((byte) 7);
        release(pfn);
    }

    @Test
    void pagesOfFilesAreReadIn() {
        MmFixture.ok(m.mmap(BASE, PAGE, Prot.READ, MmapFlags.PRIVATE | MmapFlags.FIXED, m.file(1), 0));
        long pfn = dump.pin(m.mm, BASE, m.ctx);
        assertThat(m.sys.phys().getByte(Page.address(pfn))).isEqualTo((byte) 1);
        release(pfn);
    }

    @Test
    void whatIsNotMappedIsAHole() {
        assertThat(dump.pin(m.mm, BASE, m.ctx)).isEqualTo(DumpPages.HOLE);
    }
}
