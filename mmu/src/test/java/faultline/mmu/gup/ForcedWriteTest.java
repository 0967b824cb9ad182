package faultline.mmu.gup;

import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.PAGE;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.Errno;
import faultline.mmu.fault.MemoryFile;
import faultline.mmu.mm.Madv;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.Prot;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.system.MmFixture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A debugger's write to a read-only mapping, and the task that drops the private copy between fault and look-up. */
class ForcedWriteTest {
    private final MmFixture m = new MmFixture();
    private final MemoryFile file = m.file(2);
    private final long[] page = new long[1];

    @AfterEach
    void close() {
        m.close();
    }

    private void mapReadOnly(int sharing) {
        MmFixture.ok(m.mmap(BASE, 2 * PAGE, Prot.READ, sharing | MmapFlags.FIXED, file, 0));
        assertThat(m.cpu.load(BASE)).isEqualTo(1);
    }

    /** Pins the page and writes a byte to it, as /proc/PID/mem does. */
    private long poke(int value, boolean force) {
        m.mm.mmapLock().readLock();
        long pinned = m.sys.gup().getUserPages(m.mm, m.ctx, BASE, 1, true, force, page, null);
        m.mm.mmapLock().readUnlock();
        if (pinned == 1) {
            m.sys.phys().putByte(Page.address(page[0]), (byte) value);
            m.sys.phys().allocator().putPage(page[0]);
        }
        return pinned;
    }

    private int cachedByte() {
        long pfn = file.mapping().findPage(0);
        int value = m.sys.phys().getByte(Page.address(pfn));
        m.sys.phys().allocator().putPage(pfn);
        return value;
    }

    /** Once, and from a task of its own: drops what the fault made. */
    private void dropCopyAfterFault() {
        m.sys.gup().afterFault = () -> {
            m.sys.gup().afterFault = null;
            assertThat(m.madvise(BASE, PAGE, Madv.DONTNEED)).isZero();
        };
    }

    @Test
    void writesAPrivateCopyAndNotTheFile() {
        mapReadOnly(MmapFlags.PRIVATE);
        assertThat(poke(9, true)).isEqualTo(1);
        assertThat(m.cpu.load(BASE)).isEqualTo(9);
        assertThat(cachedByte()).isEqualTo(1);
    }

    @Test
    void needsForceWhereWritingIsNotAllowed() {
        mapReadOnly(MmapFlags.PRIVATE);
        assertThat(poke(9, false)).isEqualTo(-Errno.EFAULT);
    }

    @Test
    void neverWritesAReadOnlySharedMapping() {
        mapReadOnly(MmapFlags.SHARED);
        assertThat(poke(9, true)).isEqualTo(-Errno.EFAULT);
        assertThat(cachedByte()).isEqualTo(1);
    }

    @Test
    void breaksTheCopyAgainWhenItWasDroppedMeanwhile() {
        mapReadOnly(MmapFlags.PRIVATE);
        dropCopyAfterFault();
        assertThat(poke(9, true)).isEqualTo(1);
        assertThat(m.cpu.load(BASE)).isEqualTo(9);
        assertThat(cachedByte()).as("the file").isEqualTo(1);
    }

    /** The rule of seed 001, in force until 2016: after the fault the page is looked up as for reading. */
    @Test
    void writesTheFileItselfByTheOldRule() {
        mapReadOnly(MmapFlags.PRIVATE);
        m.sys.gup().setCow(GupCow.YEAR_2005);
        dropCopyAfterFault();
        assertThat(poke(9, true)).isEqualTo(1);
        assertThat(cachedByte()).as("the file").isEqualTo(9);
    }

    @Test
    void bothRulesAgreeWhereNobodyInterferes() {
        mapReadOnly(MmapFlags.PRIVATE);
        m.sys.gup().setCow(GupCow.YEAR_2005);
        assertThat(poke(9, true)).isEqualTo(1);
        assertThat(m.cpu.load(BASE)).isEqualTo(9);
        assertThat(m.sys.phys().frames().test(page[0], PageFlags.ANON)).isTrue();
        assertThat(cachedByte()).isEqualTo(1);
    }
}
