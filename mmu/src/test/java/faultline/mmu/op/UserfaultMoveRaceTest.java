package faultline.mmu.op;

import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.PAGE;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.Errno;
import faultline.mmu.fault.Userfault;
import faultline.mmu.mm.Madv;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.rmap.TryToUnmap;
import faultline.mmu.system.MemoryConfig;
import faultline.mmu.system.MmFixture;
import faultline.mmu.table.PageWalker;
import faultline.mmu.table.Pte;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** UFFDIO_MOVE against itself in the other direction, against reclaim, and against fork. */
@Timeout(120)
class UserfaultMoveRaceTest {
    private static final int PAGES = 64;
    private static final long LEFT = BASE;
    private static final long RIGHT = BASE + (1L << 30);
    private static final int ROUNDS = 40 * Integer.getInteger("faultline.stress", 1);

    /**
     * Two threads carry every page to and fro; a page that one has taken the other finds missing, none is lost or
     * doubled.
     */
    private static void carryBothWays(MmFixture m, Runnable meanwhile) throws InterruptedException {
        m.map(LEFT, PAGES);
        m.map(RIGHT, PAGES);
        m.fill(LEFT, PAGES, 1);
        Userfault context = new Userfault(m.mm, false);
        long missing = UserfaultRegistration.MODE_MISSING;
        assertThat(m.sys.userfaultRegistration().register(context, LEFT, PAGES * PAGE, missing))
                .isZero();
        assertThat(m.sys.userfaultRegistration().register(context, RIGHT, PAGES * PAGE, missing))
                .isZero();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        AtomicInteger running = new AtomicInteger(2);
        Thread[] carriers = new Thread[2];
        for (int t = 0; t < 2; t++) {
            long from = t == 0 ? LEFT : RIGHT;
            long to = t == 0 ? RIGHT : LEFT;
            carriers[t] = Thread.ofPlatform().start(() -> {
                try {
                    for (int round = 0; round < ROUNDS; round++) {
                        for (int i = 0; i < PAGES; i++) {
                            long moved =
                                    m.sys.userfaultMove().run(context, to + i * PAGE, from + i * PAGE, PAGE, false);
                            assertThat(moved)
                                    .isIn(PAGE, (long) -Errno.ENOENT, (long) -Errno.EEXIST, (long) -Errno.EBUSY);
                        }
                    }
                } catch (Throwable e) {
                    failure.set(e);
                } finally {
                    running.decrementAndGet();
                }
            });
        }
        while (running.get() > 0) {
            meanwhile.run();
        }
        for (Thread carrier : carriers) {
            carrier.join();
        }
        assertThat(failure.get()).isNull();
        m.sys.userfaultRegistration().release(context);
        for (int i = 0; i < PAGES; i++) {
            int left = m.cpu.load(LEFT + i * PAGE);
            int right = m.cpu.load(RIGHT + i * PAGE);
            assertThat(left + right).as("page %d", i).isEqualTo(i + 1);
            assertThat(left * right).as("page %d in both places", i).isZero();
        }
    }

    @Test
    void movesInOppositeDirectionsDoNotWaitForEachOther() throws InterruptedException {
        try (MmFixture m = new MmFixture()) {
            carryBothWays(m, Thread::onSpinWait);
        }
    }

    @Test
    void movedPagesCanBeSwappedOutMeanwhile() throws InterruptedException {
        MemoryConfig config = MemoryConfig.defaults().withMemBytes(64L << 20).withSwapBytes(16L << 20);
        try (MmFixture m = new MmFixture(config, MmLimits.ROOT)) {
            carryBothWays(m, () -> {
                m.madvise(LEFT, PAGES * PAGE, Madv.PAGEOUT);
                m.madvise(RIGHT, PAGES * PAGE, Madv.PAGEOUT);
            });
        }
    }

    /** Step by step: unmapped and in the swap cache, a page's entry moves, and the page is found at its new place. */
    @Test
    void aPageInTheSwapCacheBelongsToWhereItsEntryWasMoved() {
        MemoryConfig config = MemoryConfig.defaults().withMemBytes(64L << 20).withSwapBytes(16L << 20);
        try (MmFixture m = new MmFixture(config, MmLimits.ROOT)) {
            m.map(LEFT, 1);
            m.map(RIGHT, 1);
            m.fill(LEFT, 1, 7);
            Userfault context = new Userfault(m.mm, false);
            m.sys.userfaultRegistration().register(context, RIGHT, PAGE, UserfaultRegistration.MODE_MISSING);
            long pfn = Pte.pfn(m.sys.walker().walk(m.mm.pgd(), LEFT, PageWalker.READ, false));
            m.sys.cache().lockPage(pfn);
            assertThat(m.sys.swap().add(pfn)).isTrue();
            assertThat(new TryToUnmap(m.sys.tables(), m.sys.faultEnv().rmap(), m.sys.swap()).tryToUnmap(pfn))
                    .isTrue();
            m.sys.cache().unlockPage(pfn);

            assertThat(m.sys.userfaultMove().run(context, RIGHT, LEFT, PAGE, false))
                    .isEqualTo(PAGE);
            assertThat(m.cpu.load(RIGHT)).isEqualTo(7);
            m.audit();
            m.sys.userfaultRegistration().release(context);
        }
    }

    @Test
    void pagesThatAForkSharesStayWhereTheyAre() throws InterruptedException {
        try (MmFixture m = new MmFixture()) {
            int[] forks = new int[1];
            carryBothWays(m, () -> {
                if (forks[0]++ < 20) {
                    MmStruct child = m.newMm(MmLimits.ROOT);
                    assertThat(m.sys.fork().dupMmap(child, m.mm, m.ctx)).isZero();
                }
            });
        }
    }
}
