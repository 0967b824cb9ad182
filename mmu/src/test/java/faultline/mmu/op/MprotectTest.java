package faultline.mmu.op;

import static faultline.mmu.system.MmFixture.ANON;
import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.FIXED;
import static faultline.mmu.system.MmFixture.PAGE;
import static faultline.mmu.system.MmFixture.RW;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import faultline.mmu.Errno;
import faultline.mmu.fault.MemoryFile;
import faultline.mmu.fault.ModelCpu;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.Prot;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.system.MmFixture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MprotectTest {
    private static final int R = Prot.READ;
    private final MmFixture m = new MmFixture();

    @AfterEach
    void close() {
        m.close();
    }

    @Test
    void aPageInTheMiddleSplitsAndMergesBack() {
        m.map(BASE, 5);
        m.fill(BASE, 5, 1);
        assertThat(m.mprotect(BASE + PAGE, PAGE, R)).isZero();
        assertThat(m.shape()).containsExactly("0-1 rw-p", "1-2 r--p", "2-5 rw-p");
        assertThat(m.mprotect(BASE + PAGE, PAGE, RW)).isZero();
        assertThat(m.shape()).containsExactly("0-5 rw-p");
    }

    @Test
    void threeMappingsBecomeOne() {
        MmFixture.ok(m.mmap(BASE, PAGE, R, FIXED));
        m.map(BASE + PAGE, 1);
        MmFixture.ok(m.mmap(BASE + 2 * PAGE, PAGE, R, FIXED));
        assertThat(m.mprotect(BASE + PAGE, PAGE, R)).isZero();
        assertThat(m.shape()).containsExactly("0-3 r--p");
    }

    @Test
    void aMiddleWithoutPagesJoinsTheNeighbourBeforeWhenTheOneBehindIsOfAnotherFamily() {
        m.map(BASE, 1);
        m.cpu.store(BASE, 1);
        MmFixture.ok(m.mmap(BASE + PAGE, PAGE, R, FIXED));
        m.map(BASE + 2 * PAGE, 1);
        m.cpu.store(BASE + 2 * PAGE, 1);
        assertThat(m.mprotect(BASE + PAGE, PAGE, RW)).isZero();
        assertThat(m.shape()).containsExactly("0-2 rw-p", "2-3 rw-p");
    }

    @Test
    void writingStopsAtOnceThoughTheProcessorRemembersTheOldRights() {
        m.map(BASE, 2);
        m.cpu.store(BASE, 5);
        assertThat(m.mprotect(BASE, PAGE, R)).isZero();
        assertThatThrownBy(() -> m.cpu.store(BASE, 6))
                .isInstanceOfSatisfying(
                        ModelCpu.Signal.class, s -> assertThat(s.code).isEqualTo(2));
        assertThat(m.cpu.load(BASE)).isEqualTo(5);
    }

    @Test
    void noAccessStopsReadingAndKeepsContent() {
        m.map(BASE, 1);
        m.cpu.store(BASE, 5);
        assertThat(m.mprotect(BASE, PAGE, Prot.NONE)).isZero();
        assertThatThrownBy(() -> m.cpu.load(BASE)).isInstanceOf(ModelCpu.Signal.class);
        assertThat(m.mm.rssPages()).isEqualTo(1);
        assertThat(m.mprotect(BASE, PAGE, R)).isZero();
        assertThat(m.cpu.load(BASE)).isEqualTo(5);
    }

    @Test
    void anOwnPageThatBecomesWritableAgainIsWrittenWithoutFault() {
        m.map(BASE, 1);
        m.cpu.store(BASE, 5);
        assertThat(m.mprotect(BASE, PAGE, R)).isZero();
        assertThat(m.mprotect(BASE, PAGE, RW)).isZero();
        long faults = m.ctx.minFlt;
        m.cpu.store(BASE, 6);
        assertThat(m.ctx.minFlt).isEqualTo(faults);
    }

    @Test
    void thePageOfZerosIsNeverMadeWritable() {
        m.map(BASE, 1);
        assertThat(m.cpu.load(BASE)).isZero();
        assertThat(m.mprotect(BASE, PAGE, R)).isZero();
        assertThat(m.mprotect(BASE, PAGE, RW)).isZero();
        m.audit();
        m.cpu.store(BASE, 6);
        MmFixture.ok(m.mmap(BASE + 8 * PAGE, PAGE, R, FIXED));
        assertThat(m.cpu.load(BASE + 8 * PAGE)).isZero();
    }

    @Test
    void aHoleIsReportedAfterThePartBeforeItHasChanged() {
        m.map(BASE, 2);
        m.map(BASE + 4 * PAGE, 1);
        assertThat(m.mprotect(BASE, 5 * PAGE, R)).isEqualTo(-Errno.ENOMEM);
        assertThat(m.shape()).containsExactly("0-2 r--p", "4-5 rw-p");
        assertThat(m.mprotect(BASE + 2 * PAGE, 3 * PAGE, R)).isEqualTo(-Errno.ENOMEM);
    }

    @Test
    void wrongArgumentsAreRefusedInTheKernelsOrder() {
        m.map(BASE, 1);
        assertThat(m.mprotect(BASE, PAGE, R | Prot.GROWSDOWN)).isEqualTo(-Errno.EINVAL);
        assertThat(m.mprotect(BASE, PAGE, R | Prot.GROWSUP)).isEqualTo(-Errno.EINVAL);
        assertThat(m.mprotect(BASE, PAGE, R | Prot.GROWSUP | Prot.GROWSDOWN)).isEqualTo(-Errno.EINVAL);
        assertThat(m.mprotect(BASE, PAGE, 0x100)).isEqualTo(-Errno.EINVAL);
        assertThat(m.mprotect(BASE, 0, 0x100)).isZero();
        assertThat(m.mprotect(BASE, -PAGE, 0x100)).isEqualTo(-Errno.ENOMEM);
        assertThat(m.mprotect(BASE + 1, 0, R)).isEqualTo(-Errno.EINVAL);
        assertThat(m.mprotect(BASE + 2 * PAGE, PAGE, R | Prot.GROWSDOWN)).isEqualTo(-Errno.ENOMEM);
    }

    @Test
    void growsDownExtendsTheChangeToTheStartOfTheStack() {
        MmFixture.ok(m.mmap(BASE, 4 * PAGE, RW, FIXED | MmapFlags.GROWSDOWN));
        assertThat(m.mprotect(BASE + 2 * PAGE, PAGE, R | Prot.GROWSDOWN)).isZero();
        assertThat(m.shape()).containsExactly("0-3 r--p", "3-4 rw-p");
    }

    @Test
    void aFileOpenedForReadingCannotBecomeWritableWhenShared() {
        MemoryFile file = m.file(1);
        long at = MmFixture.ok(
                m.sys.mmap().doMmap(m.mm, m.ctx, BASE, PAGE, R, MmapFlags.SHARED, new ReadOnlyFile(file), 0));
        assertThat(m.mprotect(at, PAGE, RW)).isEqualTo(-Errno.EACCES);
        assertThat(m.shape()).containsExactly("0-1 r--s");
    }

    @Test
    void aLockedMappingThatBecomesWritableGetsItsPagesAtOnce() {
        MemoryFile file = m.file(2);
        long at = MmFixture.ok(m.mmap(BASE, 2 * PAGE, R, MmapFlags.PRIVATE | MmapFlags.LOCKED, file, 0));
        assertThat(m.mprotect(at, 2 * PAGE, RW)).isZero();
        long faults = m.ctx.minFlt;
        m.cpu.store(at, 1);
        m.cpu.store(at + PAGE, 1);
        assertThat(m.ctx.minFlt).isEqualTo(faults);
    }

    @Test
    void sealedMappingsRefuse() {
        long at = MmFixture.ok(m.mmap(BASE, PAGE, RW, ANON));
        m.mm.vmas().lookup(at).setFlags(m.mm.vmas().lookup(at).flags() | VmFlags.SEALED);
        assertThat(m.mprotect(at, PAGE, R)).isEqualTo(-Errno.EPERM);
        assertThat(m.munmap(at, PAGE)).isEqualTo(-Errno.EPERM);
        assertThat(m.mremap(at, PAGE, 2 * PAGE, 1, 0)).isEqualTo(-Errno.EPERM);
    }
}
