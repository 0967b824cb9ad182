package faultline.mmu.fault;

import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.PAGE;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.file.AddressSpace;
import faultline.mmu.mm.Madv;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.system.MemoryConfig;
import faultline.mmu.system.MmFixture;
import faultline.mmu.table.Pte;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Who finds a page in the swap cache waits for its lock. Meanwhile the page may get another slot, and another page of
 * the same place the slot that this one had: then the entry is the same, and the page is the wrong one.
 */
@Timeout(60)
class SwapSlotReuseTest {
    private static final long OTHER = BASE + PAGE;

    private static long entryAt(MmFixture m, long address) {
        long pmd = m.sys.tables().walkToPmd(m.mm.pgd(), address);
        return m.sys.phys().getLongAcquire(m.sys.tables().pteOffset(pmd, address));
    }

    /** The place holds 3, in the slot that a page with 1 had when {@code user} found that page in the swap cache. */
    private static void whileSomebodyWaitsForThePage(MmFixture m, Runnable user) throws Exception {
        FrameTable frames = m.sys.phys().frames();
        m.map(BASE, 2);
        m.cpu.store(BASE, 1);
        m.cpu.store(OTHER, 2);
        assertThat(m.madvise(BASE, 2 * PAGE, Madv.PAGEOUT)).isZero();
        assertThat(m.sys.swap().freeSlots()).isZero();
        long entry = entryAt(m, BASE);
        long pfn = m.sys.swap().swapIn(entry, true) & ~AddressSpace.WAS_READ;
        m.sys.cache().lockPage(pfn);

        FutureTask<Void> task = new FutureTask<>(user, null);
        Thread thread = Thread.ofPlatform().start(task);
        while (frames.refcount(pfn) != 3) {
            Thread.onSpinWait();
        }

        assertThat(m.madvise(BASE, PAGE, Madv.DONTNEED)).isZero();
        assertThat(m.sys.swap().tryToFree(pfn)).isTrue();
        m.cpu.store(BASE, 3);
        assertThat(m.madvise(BASE, PAGE, Madv.PAGEOUT)).isZero();
        assertThat(entryAt(m, BASE)).isEqualTo(entry);
        assertThat(m.madvise(OTHER, PAGE, Madv.DONTNEED)).isZero();
        assertThat(m.sys.swap().add(pfn)).isTrue();
        assertThat(frames.privateData(pfn)).isNotEqualTo(Pte.swapKey(entry));

        m.sys.cache().unlockPage(pfn);
        task.get();
        thread.join();
        m.sys.phys().allocator().putPage(pfn);
    }

    private static MmFixture machineWithTwoSlots() {
        return new MmFixture(MemoryConfig.defaults().withMemBytes(16L << 20).withSwapBytes(2 * PAGE), MmLimits.ROOT);
    }

    @Test
    void aTouchFindsThePageThatTheSlotHoldsNow() throws Exception {
        try (MmFixture m = machineWithTwoSlots()) {
            ModelCpu cpu = m.newCpu(m.mm);
            whileSomebodyWaitsForThePage(m, () -> assertThat(cpu.load(BASE)).isEqualTo(3));
            assertThat(m.cpu.load(BASE)).isEqualTo(3);
        }
    }

    @Test
    void swapoffBringsThePageBackThatTheSlotHoldsNow() throws Exception {
        try (MmFixture m = machineWithTwoSlots()) {
            SwapUnuse unuse = new SwapUnuse(m.sys.faultEnv());
            whileSomebodyWaitsForThePage(m, () -> {
                m.mm.mmapLock().readLock();
                unuse.run(m.mm.vmas().find(BASE), BASE, entryAt(m, BASE));
                m.mm.mmapLock().readUnlock();
            });
            assertThat(m.cpu.load(BASE)).isEqualTo(3);
        }
    }
}
