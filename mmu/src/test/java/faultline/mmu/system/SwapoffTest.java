package faultline.mmu.system;

import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.PAGE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import faultline.mmu.Errno;
import faultline.mmu.fault.ModelCpu;
import faultline.mmu.fault.SharedMemory;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.memcg.MemCgroups;
import faultline.mmu.mm.CommitAccount;
import faultline.mmu.mm.Madv;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.Prot;
import faultline.mmu.swap.SwapArea;
import faultline.mmu.swap.SwapImage;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** An area is taken off: what was there is in memory afterwards, where it was, as it was, or all stays as it is. */
@Timeout(60)
class SwapoffTest {
    private static final int PAGES = 600;

    private final MmFixture f = new MmFixture(MemoryConfig.defaults().withMemBytes(8L << 20), MmLimits.ROOT);
    private final SwapImage image = new SwapImage("/swap", 4096);

    @AfterEach
    void close() {
        f.close();
        assertThat(image.isClosed()).isTrue();
    }

    private SwapArea on() {
        assertThat(f.sys.swapon().run(image, image.size(), 0)).isZero();
        return f.sys.swap().areas().all().getFirst();
    }

    private long off(SwapArea area) {
        return f.sys.swapoff().run(area, () -> false);
    }

    private void fillAndPageOut(int pages) {
        f.map(BASE, pages);
        f.fill(BASE, pages, 1);
        f.madvise(BASE, pages * PAGE, Madv.PAGEOUT);
    }

    private AddressSpace sharedAndPagedOut(int pages) {
        AddressSpace memory = AddressSpace.shmem(f.sys.cache(), pages * PAGE);
        int flags = MmapFlags.SHARED | MmapFlags.FIXED;
        MmFixture.ok(
                f.sys.mmap().doMmap(f.mm, f.ctx, BASE, pages * PAGE, MmFixture.RW, flags, new SharedMemory(memory), 0));
        f.fill(BASE, pages, 1);
        f.madvise(BASE, pages * PAGE, Madv.PAGEOUT);
        return memory;
    }

    private void checkContents(ModelCpu cpu, int pages) {
        for (int i = 0; i < pages; i++) {
            assertThat(cpu.load(BASE + i * PAGE) & 0xff).isEqualTo(i + 1 & 0xff);
        }
    }

    @Test
    void pagesComeBackWithoutBeingTouchedAndTheStoreIsClosed() {
        SwapArea area = on();
        fillAndPageOut(PAGES);
        assertThat(f.mm.rss(MmStruct.SWAPENTS)).isEqualTo(PAGES);
        long faults = f.ctx.majFlt + f.ctx.minFlt;

        assertThat(off(area)).isZero();

        assertThat(image.isClosed()).isTrue();
        assertThat(f.mm.rss(MmStruct.SWAPENTS)).isZero();
        assertThat(f.mm.rss(MmStruct.ANONPAGES)).isEqualTo(PAGES);
        assertThat(f.sys.swap().totalSlots()).isZero();
        f.audit();
        checkContents(f.cpu, PAGES);
        assertThat(f.ctx.majFlt + f.ctx.minFlt).isEqualTo(faults);
    }

    @Test
    void anAreaIsTakenOffOnce() {
        SwapArea area = on();
        assertThat(off(area)).isZero();
        assertThat(off(area)).isEqualTo(-Errno.EINVAL);
    }

    @Test
    void whatForkSharedIsSharedAgain() {
        SwapArea area = on();
        fillAndPageOut(PAGES);
        MmStruct child = f.newMm(MmLimits.ROOT);
        assertThat(f.sys.fork().dupMmap(child, f.mm, f.ctx)).isZero();

        assertThat(off(area)).isZero();

        f.audit();
        ModelCpu cpu = f.newCpu(child);
        cpu.store(BASE, 77);
        checkContents(f.cpu, PAGES);
        assertThat(cpu.load(BASE)).isEqualTo(77);
    }

    @Test
    void pagesOfSharedMemoryComeBackToTheirFile() {
        SwapArea area = on();
        AddressSpace memory = sharedAndPagedOut(PAGES);
        assertThat(f.sys.swap().filedSlots()).isEqualTo(PAGES);

        assertThat(off(area)).isZero();

        assertThat(memory.cachedPages()).isEqualTo(PAGES);
        checkContents(f.cpu, PAGES);
        MmFixture.ok(f.munmap(BASE, PAGES * PAGE));
        memory.truncate(0);
    }

    @Test
    void pagesThatNobodyMayTouchComeBackTooAndSoDoLockedOnes() {
        SwapArea area = on();
        fillAndPageOut(PAGES);
        MmFixture.ok(f.mprotect(BASE, 100 * PAGE, Prot.NONE));
        MmFixture.ok(f.mprotect(BASE + 100 * PAGE, 100 * PAGE, Prot.READ));

        assertThat(off(area)).isZero();

        assertThat(f.mm.rss(MmStruct.SWAPENTS)).isZero();
        f.audit();
        MmFixture.ok(f.mprotect(BASE, 200 * PAGE, MmFixture.RW));
        checkContents(f.cpu, PAGES);
        f.fill(BASE, PAGES, 1);
    }

    @Test
    void pagesGoToAnotherAreaWhenMemoryIsShort() {
        SwapArea area = on();
        int pages = 3000;
        f.map(BASE, pages);
        f.fill(BASE, pages, 1);
        SwapImage other = new SwapImage("/other", 4096);
        assertThat(f.sys.swapon().run(other, other.size(), 0)).isZero();

        assertThat(off(area)).isZero();

        assertThat(f.sys.swap().entries()).isPositive();
        checkContents(f.cpu, pages);
    }

    @Test
    void whenMemoryCannotHoldThePagesTheAreaStays() {
        SwapArea area = on();
        int pages = 3000;
        f.map(BASE, pages);
        f.fill(BASE, pages, 1);

        assertThat(off(area)).isEqualTo(-Errno.ENOMEM);

        f.audit();
        assertThat(f.sys.swap().totalSlots()).isEqualTo(4095);
        assertThat(area.priority()).isEqualTo(-2);
        checkContents(f.cpu, pages);
    }

    @Test
    void whatMayNotBePromisedIsNotBroughtBack() {
        SwapArea area = on();
        fillAndPageOut(PAGES);
        f.sys.commit().setMode(CommitAccount.Mode.NEVER);
        f.sys.commit().setRatio(10);

        assertThat(off(area)).isEqualTo(-Errno.ENOMEM);

        assertThat(f.mm.rss(MmStruct.SWAPENTS)).isEqualTo(PAGES);
        f.sys.commit().setMode(CommitAccount.Mode.ALWAYS);
        assertThat(off(area)).isZero();
    }

    @Test
    void aSignalEndsItAndTheRestStays() {
        SwapArea area = on();
        fillAndPageOut(PAGES);
        MmStruct second = f.newMm(MmLimits.ROOT);
        assertThat(f.sys.fork().dupMmap(second, f.mm, f.ctx)).isZero();
        AtomicInteger asked = new AtomicInteger();

        assertThat(f.sys.swapoff().run(area, () -> asked.incrementAndGet() > 1)).isEqualTo(-Errno.EINTR);

        assertThat(f.mm.rss(MmStruct.SWAPENTS) + second.rss(MmStruct.SWAPENTS)).isEqualTo(PAGES);
        f.audit();
        assertThat(off(area)).isZero();
        checkContents(f.cpu, PAGES);
    }

    @Test
    void aPageThatCannotBeReadIsPoisoned() {
        SwapArea area = on();
        fillAndPageOut(PAGES);
        image.setUnreadable(slot -> slot == 1);

        assertThat(off(area)).isZero();

        assertThat(f.mm.rss(MmStruct.ANONPAGES)).isEqualTo(PAGES - 1);
        int[] signals = new int[PAGES];
        for (int i = 0; i < PAGES; i++) {
            signals[i] = signalOf(BASE + i * PAGE);
        }
        assertThat(signals).containsOnlyOnce(7);
    }

    private int signalOf(long address) {
        try {
            f.cpu.load(address);
            return 0;
        } catch (ModelCpu.Signal e) {
            return e.signo;
        }
    }

    @Test
    void aPageOfSharedMemoryThatCannotBeReadKeepsTheArea() {
        SwapArea area = on();
        AddressSpace memory = sharedAndPagedOut(10);
        image.setUnreadable(slot -> slot == 5);
        assertThat(off(area)).isEqualTo(-Errno.EIO);
        assertThatThrownBy(() -> checkContents(f.cpu, 10)).isInstanceOf(ModelCpu.Signal.class);

        image.setUnreadable(slot -> false);
        assertThat(off(area)).isZero();
        checkContents(f.cpu, 10);
        MmFixture.ok(f.munmap(BASE, 10 * PAGE));
        memory.truncate(0);
    }

    /** Just when swapoff allocates the frame for its page. */
    @Test
    void aFileEndsWhileItsPageIsBroughtBack() {
        SwapArea area = on();
        AddressSpace memory = sharedAndPagedOut(1);
        assertThat(memory.swappedPages(0, 1)).isEqualTo(1);
        MmFixture.ok(f.munmap(BASE, PAGE));
        MemCgroups groups = f.sys.cache().memCgroups();
        groups.create(null);
        groups.setCurrent(() -> {
            assertThat(memory.evict()).isZero();
            return null;
        });
        assertThat(off(area)).isZero();
        assertThat(memory.cachedPages()).isZero();
    }
}
