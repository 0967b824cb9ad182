package faultline.mmu.op;

import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.PAGE;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.Errno;
import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.FaultHandler;
import faultline.mmu.fault.Userfault;
import faultline.mmu.fault.UserfaultSleeper;
import faultline.mmu.fault.UserfaultWait;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.system.MmFixture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class UserfaultRaceTest {
    private static final long MISSING = UserfaultRegistration.MODE_MISSING;
    private static final long WP = UserfaultRegistration.MODE_WP;

    /** Sleeps as a task does, by parking. */
    private static final class Parker implements UserfaultSleeper {
        private final Thread thread = Thread.currentThread();

        @Override
        public int tid() {
            return 1;
        }

        @Override
        public boolean sleep(BooleanSupplier done, boolean user) {
            while (!done.getAsBoolean()) {
                LockSupport.park(this);
            }
            return true;
        }

        @Override
        public void wake() {
            LockSupport.unpark(thread);
        }
    }

    private static int touch(MmFixture m, long address, FaultContext ctx) {
        return m.sys.faults().doUserAddrFault(m.mm, address, FaultHandler.PF_USER | FaultHandler.PF_WRITE, ctx);
    }

    /**
     * Several tasks fault on the same pages while two others provide them: nobody sleeps for ever, no page comes twice.
     */
    @Test
    void everyFaultIsWokenWhoeverProvidesThePage() throws InterruptedException {
        try (MmFixture m = new MmFixture()) {
            int pages = 2000;
            m.map(BASE, pages);
            Userfault context = new Userfault(m.mm, false);
            assertThat(m.sys.userfaultRegistration().register(context, BASE, pages * PAGE, MISSING))
                    .isZero();
            AtomicInteger provided = new AtomicInteger();
            AtomicInteger finished = new AtomicInteger();
            Thread[] threads = new Thread[5];
            for (int t = 0; t < 3; t++) {
                threads[t] = Thread.ofPlatform().start(() -> {
                    FaultContext ctx = new FaultContext();
                    ctx.sleeper = new Parker();
                    for (int i = 0; i < pages; i++) {
                        assertThat(touch(m, BASE + i * PAGE, ctx)).isEqualTo(FaultHandler.FAULT_DONE);
                    }
                    finished.incrementAndGet();
                });
            }
            for (int t = 3; t < 5; t++) {
                threads[t] = Thread.ofPlatform().start(() -> {
                    while (finished.get() < 3) {
                        UserfaultWait wait = context.next();
                        if (wait == null) {
                            Thread.onSpinWait();
                            continue;
                        }
                        long done = m.sys.userfaultFill().zero(context, wait.address(), PAGE);
                        assertThat(done).isIn(PAGE, (long) -Errno.EEXIST);
                        if (done == PAGE) {
                            provided.incrementAndGet();
                            context.wake(wait.address(), wait.address() + PAGE);
                        } else {
                            // As on Linux: who finds the page there wakes those that came too late to see it.
                            context.wake(wait.address(), wait.address() + PAGE);
                        }
                    }
                });
            }
            for (Thread thread : threads) {
                thread.join();
            }
            assertThat(finished.get()).isEqualTo(3);
            assertThat(provided.get()).isEqualTo(pages);
        }
    }

    @Test
    void protectedPagesStopWritersUntilTheProtectionEnds() {
        try (MmFixture m = new MmFixture()) {
            m.map(BASE, 4);
            m.fill(BASE, 4, 1);
            Userfault context = new Userfault(m.mm, false);
            m.sys.userfaultRegistration().register(context, BASE, 4 * PAGE, WP);
            assertThat(m.sys.userfaultFill().writeProtect(context, BASE, 4 * PAGE, true))
                    .isZero();
            FaultContext ctx = new FaultContext();
            ctx.sleeper = new Parker();
            ctx.mayWait = false;
            assertThat(touch(m, BASE, ctx)).isEqualTo(FaultHandler.FAULT_RETRY);
            assertThat(m.sys.userfaultFill().writeProtect(context, BASE, PAGE, false))
                    .isZero();
            ctx.mayWait = true;
            assertThat(touch(m, BASE, ctx)).isEqualTo(FaultHandler.FAULT_DONE);
            assertThat(m.cpu.load(BASE + PAGE)).isEqualTo(2);
        }
    }

    @Test
    void closingEndsRegistrationsAndMergesWhatWasSplit() {
        try (MmFixture m = new MmFixture()) {
            m.map(BASE, 8);
            Userfault context = new Userfault(m.mm, false);
            m.sys.userfaultRegistration().register(context, BASE + 2 * PAGE, 2 * PAGE, MISSING | WP);
            assertThat(m.shape()).hasSize(3);
            m.sys.userfaultRegistration().release(context);
            assertThat(m.shape()).containsExactly("0-8 rw-p");
            assertThat(m.mm.vmas().find(BASE).hasAny(VmFlags.UFFD_MISSING | VmFlags.UFFD_WP))
                    .isFalse();
            assertThat(touch(m, BASE + 2 * PAGE, new FaultContext())).isEqualTo(FaultHandler.FAULT_DONE);
        }
    }

    @Test
    void aForkedChildIsNotWatched() {
        try (MmFixture m = new MmFixture()) {
            m.map(BASE, 4);
            m.fill(BASE, 2, 1);
            Userfault context = new Userfault(m.mm, false);
            m.sys.userfaultRegistration().register(context, BASE, 4 * PAGE, MISSING | WP);
            m.sys.userfaultFill().writeProtect(context, BASE, 4 * PAGE, true);
            MmStruct child = m.newMm(MmLimits.ROOT);
            assertThat(m.sys.fork().dupMmap(child, m.mm, m.ctx)).isZero();
            int write = FaultHandler.PF_USER | FaultHandler.PF_WRITE;
            for (int i = 0; i < 4; i++) {
                int result = m.sys.faults().doUserAddrFault(child, BASE + i * PAGE, write, new FaultContext());
                assertThat(result).isEqualTo(FaultHandler.FAULT_DONE);
            }
        }
    }
}
