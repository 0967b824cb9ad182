package faultline.mmu.op;

import static faultline.mmu.system.MmFixture.ANON;
import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.FIXED;
import static faultline.mmu.system.MmFixture.PAGE;
import static faultline.mmu.system.MmFixture.RW;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.Errno;
import faultline.mmu.mm.CommitAccount;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.Prot;
import faultline.mmu.system.MemoryConfig;
import faultline.mmu.system.MmFixture;
import org.junit.jupiter.api.Test;

/** What limits and accounting refuse, and that a refusal loses nothing. */
class LimitsTest {
    private static final MemoryConfig SMALL = MemoryConfig.defaults().withMemBytes(8L << 20);
    private final LimitsFixture limits = new LimitsFixture();

    @Test
    void theAddressSpaceLimitCountsAllMappings() {
        limits.as = 10 * PAGE;
        try (MmFixture m = new MmFixture(SMALL, limits)) {
            m.map(BASE, 8);
            m.cpu.store(BASE, 5);
            assertThat(m.mmap(0, 3 * PAGE, Prot.READ, ANON)).isEqualTo(-Errno.ENOMEM);
            assertThat(m.mremap(BASE, 8 * PAGE, 11 * PAGE, 0, 0)).isEqualTo(-Errno.ENOMEM);
            assertThat(m.mmap(BASE, 10 * PAGE, RW, FIXED)).isEqualTo(BASE);
        }
    }

    @Test
    void aRefusedReplacementLeavesTheOldMapping() {
        limits.as = 10 * PAGE;
        try (MmFixture m = new MmFixture(SMALL, limits)) {
            m.map(BASE, 8);
            m.cpu.store(BASE, 5);
            assertThat(m.mmap(BASE, 11 * PAGE, RW, FIXED)).isEqualTo(-Errno.ENOMEM);
            assertThat(m.cpu.load(BASE)).isEqualTo(5);
        }
    }

    @Test
    void readOnlyMemoryIsNoDataUntilItBecomesWritable() {
        limits.data = 4 * PAGE;
        try (MmFixture m = new MmFixture(SMALL, limits)) {
            MmFixture.ok(m.mmap(BASE, 8 * PAGE, Prot.READ, FIXED));
            assertThat(m.mprotect(BASE, 4 * PAGE, RW)).isZero();
            assertThat(m.mprotect(BASE + 4 * PAGE, PAGE, RW)).isEqualTo(-Errno.ENOMEM);
            assertThat(m.mprotect(BASE, PAGE, Prot.READ)).isZero();
            assertThat(m.mprotect(BASE + 4 * PAGE, PAGE, RW)).isZero();
        }
    }

    @Test
    void lockedMemoryIsLimitedWithoutTheRight() {
        limits.memlock = 4 * PAGE;
        try (MmFixture m = new MmFixture(SMALL, limits)) {
            m.map(BASE, 8);
            assertThat(m.sys.mlock().mlock(m.mm, m.ctx, BASE, 4 * PAGE)).isZero();
            assertThat(m.sys.mlock().mlock(m.mm, m.ctx, BASE, 4 * PAGE)).isZero();
            assertThat(m.sys.mlock().mlock(m.mm, m.ctx, BASE + 3 * PAGE, 2 * PAGE))
                    .isEqualTo(-Errno.ENOMEM);
            assertThat(m.mmap(0, PAGE, RW, ANON | MmapFlags.LOCKED)).isEqualTo(-Errno.EAGAIN);
            assertThat(m.sys.mlock().munlock(m.mm, BASE, PAGE)).isZero();
            assertThat(MmFixture.ok(m.mmap(0, PAGE, RW, ANON | MmapFlags.LOCKED)))
                    .isPositive();
            assertThat(m.sys.mlock().mlockall(m.mm, m.ctx, Mlock.MCL_CURRENT)).isEqualTo(-Errno.ENOMEM);
        }
    }

    @Test
    void aLockLimitOfZeroForbidsLocking() {
        limits.memlock = 0;
        try (MmFixture m = new MmFixture(SMALL, limits)) {
            m.map(BASE, 1);
            assertThat(m.sys.mlock().mlock(m.mm, m.ctx, BASE, PAGE)).isEqualTo(-Errno.EPERM);
            assertThat(m.mmap(0, PAGE, RW, ANON | MmapFlags.LOCKED)).isEqualTo(-Errno.EPERM);
            assertThat(m.sys.mlock().mlockall(m.mm, m.ctx, Mlock.MCL_FUTURE)).isEqualTo(-Errno.EPERM);
        }
    }

    @Test
    void lowAddressesNeedTheRight() {
        try (MmFixture m = new MmFixture(SMALL, limits)) {
            assertThat(m.mmap(0, PAGE, RW, FIXED)).isEqualTo(-Errno.EPERM);
            assertThat(m.mmap(65_536 - PAGE, PAGE, RW, FIXED)).isEqualTo(-Errno.EPERM);
            assertThat(m.mmap(65_536, PAGE, RW, FIXED)).isEqualTo(65_536);
        }
    }

    @Test
    void theHeuristicRefusesOneRequestLargerThanMemory() {
        try (MmFixture m = new MmFixture(SMALL, limits)) {
            assertThat(m.mmap(0, 9L << 20, RW, ANON)).isEqualTo(-Errno.ENOMEM);
            MmFixture.ok(m.mmap(0, 9L << 20, RW, ANON | MmapFlags.NORESERVE));
            MmFixture.ok(m.mmap(0, 7L << 20, RW, ANON));
            MmFixture.ok(m.mmap(0, 7L << 20, RW, ANON));
        }
    }

    @Test
    void aCommitLimitInKibHoldsInPlaceOfTheRatio() {
        CommitAccount account = new CommitAccount(CommitAccount.Mode.NEVER, 1000, 10, 50);
        account.setPooledPages(() -> 100);
        assertThat(account.limit()).isEqualTo(450 + 10);
        account.setKbytes(800);
        assertThat(account.limit()).isEqualTo(200 + 10);
        assertThat(account.ratio()).isZero();
        account.setRatio(100);
        assertThat(account.kbytes()).isZero();
        assertThat(account.limit()).isEqualTo(900 + 10);
    }

    @Test
    void neverOvercommitKeepsTheSumWithinItsShare() {
        MemoryConfig strict = SMALL.withOvercommit(CommitAccount.Mode.NEVER, 50);
        try (MmFixture m = new MmFixture(strict, limits)) {
            long at = MmFixture.ok(m.mmap(0, 3L << 20, RW, ANON | MmapFlags.NORESERVE));
            assertThat(m.mmap(0, 2L << 20, RW, ANON)).isEqualTo(-Errno.ENOMEM);
            assertThat(m.mmap(0, 2L << 20, RW, MmapFlags.SHARED | MmapFlags.ANONYMOUS))
                    .isEqualTo(-Errno.ENOMEM);
            MmFixture.ok(m.mmap(0, 2L << 20, Prot.READ, ANON));
            MmFixture.ok(m.munmap(at, 2L << 20));
            MmFixture.ok(m.mmap(0, 2L << 20, RW, ANON));
        }
    }
}
