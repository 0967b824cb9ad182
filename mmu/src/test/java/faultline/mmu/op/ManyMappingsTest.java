package faultline.mmu.op;

import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.FIXED;
import static faultline.mmu.system.MmFixture.PAGE;
import static faultline.mmu.system.MmFixture.RW;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.Errno;
import faultline.mmu.mm.Prot;
import faultline.mmu.system.MmFixture;
import org.junit.jupiter.api.Test;

/** As many mappings as vm.max_map_count allows. */
class ManyMappingsTest {
    private static final int MAX = 65_530;
    /** Generous: a debug build on a busy machine is many times slower than what is measured. */
    private static final long LIMIT_NANOS = 50_000;

    @Test
    void everyOperationStaysFastAtTheLimit() {
        try (MmFixture m = new MmFixture()) {
            long start = System.nanoTime();
            for (int i = 0; i < MAX; i++) {
                MmFixture.ok(m.mmap(BASE + 2L * i * PAGE, PAGE, Prot.READ, FIXED));
            }
            assertThat((System.nanoTime() - start) / MAX).as("ns a mmap").isLessThan(LIMIT_NANOS);
            assertThat(m.mm.vmas().size()).isEqualTo(MAX);

            start = System.nanoTime();
            for (int i = 0; i < MAX; i++) {
                assertThat(m.mm.vmas().find(BASE + 2L * i * PAGE).start()).isEqualTo(BASE + 2L * i * PAGE);
            }
            assertThat((System.nanoTime() - start) / MAX).as("ns a find").isLessThan(LIMIT_NANOS);

            start = System.nanoTime();
            for (int i = 0; i < MAX; i += 2) {
                assertThat(m.munmap(BASE + 2L * i * PAGE, PAGE)).isZero();
            }
            assertThat((System.nanoTime() - start) / (MAX / 2))
                    .as("ns a munmap")
                    .isLessThan(LIMIT_NANOS);
            assertThat(m.mm.vmas().size()).isEqualTo(MAX / 2);
        }
    }

    @Test
    void oneMoreThanTheLimitIsMappedAndNoMore() {
        try (MmFixture m = new MmFixture()) {
            for (int i = 0; i <= MAX; i++) {
                MmFixture.ok(m.mmap(BASE + 2L * i * PAGE, PAGE, i == 0 ? RW : Prot.READ, FIXED));
            }
            assertThat(m.mmap(BASE - 16 * PAGE, PAGE, RW, FIXED)).isEqualTo(-Errno.ENOMEM);
            assertThat(m.mprotect(BASE, PAGE, Prot.READ)).isZero();
        }
    }
}
