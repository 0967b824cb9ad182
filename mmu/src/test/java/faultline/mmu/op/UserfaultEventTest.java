package faultline.mmu.op;

import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.PAGE;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.Errno;
import faultline.mmu.fault.Userfault;
import faultline.mmu.fault.UserfaultEvent;
import faultline.mmu.fault.UserfaultFeatures;
import faultline.mmu.fault.UserfaultSleeper;
import faultline.mmu.mm.Madv;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.system.MmFixture;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;

/**
 * Events are read by the very task that waits for them to be read: what it sees then is what another thread would see.
 */
class UserfaultEventTest {
    private static final long ALL = UserfaultFeatures.EVENT_FORK
            | UserfaultFeatures.EVENT_REMAP
            | UserfaultFeatures.EVENT_REMOVE
            | UserfaultFeatures.EVENT_UNMAP;

    private final List<String> seen = new ArrayList<>();
    private final List<Long> copies = new ArrayList<>();

    /** Reads all events while their cause waits. */
    private class Reader implements UserfaultSleeper {
        private final MmFixture m;
        private final Userfault context;

        Reader(MmFixture m, Userfault context) {
            this.m = m;
            this.context = context;
        }

        @Override
        public int tid() {
            return 1;
        }

        @Override
        public boolean sleep(BooleanSupplier done, boolean user) {
            copies.add(m.sys.userfaultFill().zero(context, BASE + 7 * PAGE, PAGE));
            UserfaultEvent event = context.nextEvent();
            seen.add("%x %d %d".formatted(event.type(), page(event.first()), page(event.second())));
            assertThat(done.getAsBoolean()).isFalse();
            assertThat(context.finish(event)).isTrue();
            assertThat(done.getAsBoolean()).isTrue();
            return true;
        }

        private long page(long address) {
            return (address - BASE) / PAGE;
        }

        @Override
        public void wake() {}
    }

    private Userfault watch(MmFixture m, long features) {
        m.map(BASE, 8);
        Userfault context = new Userfault(m.mm, false);
        context.setFeatures(features);
        assertThat(m.sys.userfaultRegistration().register(context, BASE, 8 * PAGE, UserfaultRegistration.MODE_MISSING))
                .isZero();
        m.ctx.sleeper = new Reader(m, context);
        return context;
    }

    @Test
    void nobodyProvidesPagesUntilTheEventHasBeenRead() {
        try (MmFixture m = new MmFixture()) {
            Userfault context = watch(m, ALL);
            assertThat(m.sys.munmap().run(m.mm, m.ctx, BASE, 2 * PAGE)).isZero();
            assertThat(m.madvise(BASE + 2 * PAGE, 2 * PAGE, Madv.DONTNEED)).isZero();
            assertThat(seen).containsExactly("16 0 2", "15 2 4");
            assertThat(copies).containsExactly((long) -Errno.EAGAIN, (long) -Errno.EAGAIN);
            assertThat(m.sys.userfaultFill().zero(context, BASE + 7 * PAGE, PAGE))
                    .isEqualTo(PAGE);
        }
    }

    @Test
    void onlyWhatWasAskedForIsTold() {
        try (MmFixture m = new MmFixture()) {
            watch(m, UserfaultFeatures.EVENT_UNMAP);
            assertThat(m.madvise(BASE, PAGE, Madv.DONTNEED)).isZero();
            assertThat(m.mmap(BASE, PAGE, MmFixture.RW, MmFixture.FIXED)).isEqualTo(BASE);
            assertThat(seen).containsExactly("16 0 1");
        }
    }

    @Test
    void aChildOfWhichIsToldStaysRegisteredWithAContextOfItsOwn() {
        try (MmFixture m = new MmFixture()) {
            Userfault context = watch(m, ALL);
            MmStruct child = m.newMm(MmLimits.ROOT);
            assertThat(m.sys.fork().dupMmap(child, m.mm, m.ctx)).isZero();
            assertThat(seen).hasSize(1);
            Userfault own = (Userfault) child.vmas().find(BASE).userfault();
            assertThat(own).isNotNull().isNotSameAs(context);
            assertThat(own.mm()).isSameAs(child);
            assertThat(child.vmas().find(BASE).has(VmFlags.UFFD_MISSING)).isTrue();
            assertThat(m.sys.userfaultFill().zero(own, BASE, PAGE)).isEqualTo(PAGE);
            m.sys.userfaultRegistration().release(own);
        }
    }

    @Test
    void closingTheDescriptorEndsTheWait() {
        try (MmFixture m = new MmFixture()) {
            Userfault context = watch(m, ALL);
            m.ctx.sleeper = new Reader(m, context) {
                @Override
                public boolean sleep(BooleanSupplier done, boolean user) {
                    m.sys.userfaultRegistration().release(context);
                    return done.getAsBoolean();
                }
            };
            assertThat(m.sys.munmap().run(m.mm, m.ctx, BASE, PAGE)).isZero();
            assertThat(context.isChanging()).isFalse();
            assertThat(context.hasPending()).isFalse();
        }
    }
}
