package faultline.mmu.op;

import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.FIXED;
import static faultline.mmu.system.MmFixture.PAGE;
import static faultline.mmu.system.MmFixture.RW;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import faultline.mmu.Errno;
import faultline.mmu.fault.ModelCpu;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.Prot;
import faultline.mmu.system.MemoryConfig;
import faultline.mmu.system.MmFixture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MunmapTest {
    private final MmFixture m = new MmFixture();

    @AfterEach
    void close() {
        m.close();
    }

    @Test
    void aHoleSplitsAMappingAndFreesItsPages() {
        m.map(BASE, 5);
        m.fill(BASE, 5, 1);
        assertThat(m.munmap(BASE + PAGE, 3 * PAGE)).isZero();
        assertThat(m.shape()).containsExactly("0-1 rw-p", "4-5 rw-p");
        assertThat(m.mm.rssPages()).isEqualTo(2);
        assertThat(m.cpu.load(BASE + 4 * PAGE)).isEqualTo(5);
        assertThatThrownBy(() -> m.cpu.load(BASE + 2 * PAGE)).isInstanceOfSatisfying(ModelCpu.Signal.class, s -> {
            assertThat(s.signo).isEqualTo(11);
            assertThat(s.code).isEqualTo(1);
        });
    }

    @Test
    void severalMappingsAndGapsGoAtOnce() {
        m.map(BASE, 2);
        MmFixture.ok(m.mmap(BASE + 2 * PAGE, PAGE, Prot.READ, FIXED));
        m.map(BASE + 5 * PAGE, 3);
        m.fill(BASE, 2, 1);
        m.fill(BASE + 5 * PAGE, 3, 1);
        assertThat(m.munmap(BASE + PAGE, 5 * PAGE)).isZero();
        assertThat(m.shape()).containsExactly("0-1 rw-p", "6-8 rw-p");
    }

    @Test
    void emptyPageTablesAreGivenBack() {
        m.map(BASE, 1);
        m.cpu.store(BASE, 1);
        assertThat(m.mm.nrPtes()).isEqualTo(1);
        assertThat(m.munmap(BASE, PAGE)).isZero();
        assertThat(m.mm.nrPtes()).isZero();
        assertThat(m.mm.nrPmds()).isZero();
        assertThat(m.mm.nrPuds()).isZero();
    }

    @Test
    void anEmptyRangeIsNoError() {
        assertThat(m.munmap(BASE, PAGE)).isZero();
    }

    @Test
    void wrongArgumentsAreRefused() {
        assertThat(m.munmap(BASE + 1, PAGE)).isEqualTo(-Errno.EINVAL);
        assertThat(m.munmap(BASE, 0)).isEqualTo(-Errno.EINVAL);
        assertThat(m.munmap(MmLayout.TASK_SIZE, PAGE)).isEqualTo(-Errno.EINVAL);
        assertThat(m.munmap(BASE, -1)).isEqualTo(-Errno.EINVAL);
    }

    @Test
    void aHoleThatWouldExceedTheNumberOfMappingsIsRefusedButCuttingAnEndIsNot() {
        try (MmFixture few =
                new MmFixture(MemoryConfig.defaults().withMemBytes(8 << 20).withMaxMapCount(3), MmLimits.ROOT)) {
            few.map(BASE, 10);
            MmFixture.ok(few.mmap(BASE + 10 * PAGE, PAGE, Prot.READ, FIXED));
            MmFixture.ok(few.mmap(BASE + 20 * PAGE, PAGE, Prot.READ, FIXED));
            assertThat(few.munmap(BASE + PAGE, PAGE)).isEqualTo(-Errno.ENOMEM);
            assertThat(few.munmap(BASE, PAGE)).isZero();
            assertThat(few.munmap(BASE + 9 * PAGE, PAGE)).isZero();
            assertThat(few.shape()).containsExactly("1-9 rw-p", "10-11 r--p", "20-21 r--p");
        }
    }

    @Test
    void chargeIsGivenBack() {
        m.map(BASE, 10);
        assertThat(m.sys.commit().committed()).isEqualTo(10);
        MmFixture.ok(m.mprotect(BASE, 10 * PAGE, Prot.READ));
        assertThat(m.sys.commit().committed()).isZero();
        MmFixture.ok(m.mprotect(BASE, 10 * PAGE, RW));
        MmFixture.ok(m.munmap(BASE + 2 * PAGE, 3 * PAGE));
        assertThat(m.sys.commit().committed()).isEqualTo(7);
    }
}
