package faultline.mmu.op;

import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.FIXED;
import static faultline.mmu.system.MmFixture.PAGE;
import static faultline.mmu.system.MmFixture.RW;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.Errno;
import faultline.mmu.mm.Madv;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.Prot;
import faultline.mmu.system.MmFixture;
import org.junit.jupiter.api.Test;

class MsealTest {
    private static final long EPERM = -Errno.EPERM;

    @Test
    void aSealedMappingCanNeitherGoNorMoveNorChange() {
        try (MmFixture m = new MmFixture()) {
            m.map(BASE, 8);
            assertThat(m.sys.mseal().run(m.mm, BASE + 2 * PAGE, 2 * PAGE, 0)).isZero();
            assertThat(m.munmap(BASE, 8 * PAGE)).isEqualTo(EPERM);
            assertThat(m.mprotect(BASE + 2 * PAGE, PAGE, Prot.READ)).isEqualTo(EPERM);
            assertThat(m.mremap(BASE + 2 * PAGE, PAGE, 4 * PAGE, MmapFlags.MREMAP_MAYMOVE, 0))
                    .isEqualTo(EPERM);
            assertThat(m.mmap(BASE + 3 * PAGE, PAGE, RW, FIXED)).isEqualTo(EPERM);
            assertThat(m.shape()).containsExactly("0-2 rw-p", "2-4 rw-p", "4-8 rw-p");
        }
    }

    @Test
    void readOnlyContentCannotBeThrownAway() {
        try (MmFixture m = new MmFixture()) {
            MmFixture.ok(m.mmap(BASE, 2 * PAGE, Prot.READ, FIXED));
            m.sys.mseal().run(m.mm, BASE, 2 * PAGE, 0);
            assertThat(m.madvise(BASE, PAGE, Madv.DONTNEED)).isEqualTo(EPERM);
            assertThat(m.madvise(BASE, PAGE, Madv.GUARD_INSTALL)).isEqualTo(EPERM);
            assertThat(m.madvise(BASE, PAGE, Madv.WILLNEED)).isZero();
        }
    }

    @Test
    void aHoleSealsNothing() {
        try (MmFixture m = new MmFixture()) {
            m.map(BASE, 2);
            assertThat(m.sys.mseal().run(m.mm, BASE, 4 * PAGE, 0)).isEqualTo(-Errno.ENOMEM);
            assertThat(m.munmap(BASE, 2 * PAGE)).isZero();
        }
    }
}
