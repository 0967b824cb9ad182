package faultline.mmu.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import faultline.mmu.phys.Page;
import faultline.mmu.phys.PhysicalMemory;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.PageWalker;
import faultline.mmu.table.Pte;
import faultline.mmu.table.PtlMode;
import faultline.mmu.tlb.ModelTlb;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class VmallocTest {
    private static final int ROUNDS = Integer.getInteger("faultline.stress.rounds", 150) * 4;

    private final PhysicalMemory memory = PhysicalMemory.reserve(64 << 20);
    private final PageTables tables = new PageTables(memory, PtlMode.SPLIT);
    private final InitMm initMm = new InitMm(tables);
    private final Vmalloc vmalloc = new Vmalloc(initMm);

    @AfterEach
    void close() {
        assertThat(memory.allocator().audit()).isNull();
        memory.close();
    }

    @Test
    void memoryIsZeroMappedAndGuarded() {
        long address = vmalloc.vmalloc(3 * Page.SIZE - 5);
        assertThat(address).isEqualTo(InitMm.VMALLOC_START);
        for (int page = 0; page < 3; page++) {
            long physical = vmalloc.physical(address + page * Page.SIZE + 8);
            assertThat(memory.getLong(physical)).isZero();
        }
        assertThat(vmalloc.physical(address + 3 * Page.SIZE)).isEqualTo(-1);
        long next = vmalloc.vmalloc(1);
        assertThat(next).isEqualTo(address + 4 * Page.SIZE);
        assertThat(vmalloc.areas()).extracting(VmArea::start).containsExactly(address, next);
        vmalloc.vfree(address);
        vmalloc.vfree(next);
        assertThat(vmalloc.areas()).isEmpty();
    }

    @Test
    void everyAddressSpaceSeesKernelMemoryAndNoUserMayUseIt() {
        long before = tables.allocPgd();
        long address = vmalloc.vmalloc(Page.SIZE);
        memory.putLong(vmalloc.physical(address), 42);
        long after = tables.allocPgd();
        PageWalker walker = new PageWalker(memory);
        for (long pgd : new long[] {before, after}) {
            long found = walker.walk(pgd, address, PageWalker.WRITE, false);
            assertThat(memory.getLong(Pte.address(found))).isEqualTo(42);
            assertThat(PageWalker.errorCode(walker.walk(pgd, address, PageWalker.READ, true)))
                    .isEqualTo(PageWalker.PF_PROT | PageWalker.PF_USER);
        }
        vmalloc.vfree(address);
        tables.freePgd(before);
        tables.freePgd(after);
    }

    @Test
    void addressesAreUsedAgainOnlyAfterTheProcessorsForgotThem() {
        ModelTlb tlb = new ModelTlb();
        initMm.setTlb(tlb);
        long first = vmalloc.vmalloc(Page.SIZE);
        tlb.fill(first, Page.pfn(vmalloc.physical(first)));
        vmalloc.vfree(first);
        assertThat(tlb.flushes()).isZero();
        long second = vmalloc.vmalloc(Page.SIZE);
        assertThat(second).isNotEqualTo(first);
        vmalloc.purge();
        assertThat(tlb.lookup(first)).isEqualTo(-1);
        assertThat(vmalloc.vmalloc(Page.SIZE)).isEqualTo(first);
    }

    @Test
    void enoughFreedAddressesAreFlushedTogether() {
        ModelTlb tlb = new ModelTlb();
        initMm.setTlb(tlb);
        for (long pages = 0; pages < VmapAreas.LAZY_PAGES; pages += 64) {
            vmalloc.vfree(vmalloc.vmalloc(63 * Page.SIZE));
        }
        assertThat(tlb.flushes()).isEqualTo(1);
        assertThat(vmalloc.freeRanges()).isEqualTo(1);
    }

    @Test
    void vmapMapsTheFramesGiven() {
        long[] pages = {memory.allocator().allocPage(), memory.allocator().allocPage()};
        long address = vmalloc.vmap(pages, Pte.KERNEL);
        assertThat(Page.pfn(vmalloc.physical(address))).isEqualTo(pages[0]);
        assertThat(Page.pfn(vmalloc.physical(address + Page.SIZE))).isEqualTo(pages[1]);
        assertThatThrownBy(() -> vmalloc.vfree(address)).isInstanceOf(IllegalArgumentException.class);
        vmalloc.vunmap(address);
        assertThat(vmalloc.physical(address)).isEqualTo(-1);
        assertThat(memory.frames().refcount(pages[0])).isEqualTo(1);
        for (long pfn : pages) {
            memory.allocator().putPage(pfn);
        }
    }

    @Test
    void ioremapMapsDeviceMemoryUncachedAndRefusesRam() {
        long device = 0xfd00_0000L;
        long address = vmalloc.ioremap(device + 0x10, 0x1000);
        assertThat(Page.offset(address)).isEqualTo(0x10);
        assertThat(vmalloc.physical(address)).isEqualTo(device + 0x10);
        assertThat(vmalloc.physical(address + 0xff0)).isEqualTo(device + 0x1000);
        assertThat(memory.getLong(initMm.pteOffsetKernel(address)) & Pte.KERNEL_NOCACHE)
                .isEqualTo(Pte.KERNEL_NOCACHE);
        vmalloc.iounmap(address);
        assertThat(vmalloc.ioremap(0x1000, 0x1000)).isZero();
        assertThat(vmalloc.ioremap(1L << 46, 0x1000)).isZero();
        assertThat(vmalloc.ioremap(device, 0)).isZero();
    }

    @Test
    void whatCannotBeHadLeavesNothingBehind() {
        long free = memory.allocator().freeFrames();
        assertThat(vmalloc.vmalloc(0)).isZero();
        assertThat(vmalloc.vmalloc(-1)).isZero();
        assertThat(vmalloc.vmalloc(Long.MAX_VALUE)).isZero();
        assertThat(vmalloc.vmalloc((free + 1) * Page.SIZE)).isZero();
        assertThat(memory.allocator().freeFrames()).isEqualTo(free);
        // All frames, but none for the tables.
        assertThat(vmalloc.vmalloc(free * Page.SIZE)).isZero();
        assertThat(vmalloc.areas()).isEmpty();
        assertThat(memory.allocator().freeFrames()).isEqualTo(free - initMm.nrPtes() - initMm.nrPmds());
    }

    @Test
    void freeingTwiceIsReported() {
        long address = vmalloc.vmalloc(1);
        vmalloc.vfree(address);
        assertThatThrownBy(() -> vmalloc.vfree(address)).hasMessageContaining("no area");
    }

    /**
     * Eight threads, no lock around anything; what one wrote the others never touch, and all tables and frames are
     * accounted for.
     */
    @ParameterizedTest
    @EnumSource(PtlMode.class)
    void eightThreadsAllocateAndFreeAtOnce(PtlMode mode) throws InterruptedException {
        try (PhysicalMemory ram = PhysicalMemory.reserve(64 << 20)) {
            InitMm init = new InitMm(new PageTables(ram, mode));
            Vmalloc shared = new Vmalloc(init);
            long free = ram.allocator().freeFrames();
            AtomicReference<Throwable> failure = new AtomicReference<>();
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                long stamp = i + 1;
                Thread thread = new Thread(() -> churn(ram, shared, stamp));
                thread.setUncaughtExceptionHandler((t, e) -> failure.compareAndSet(null, e));
                threads.add(thread);
                thread.start();
            }
            for (Thread thread : threads) {
                thread.join();
            }
            assertThat(failure.get()).isNull();
            shared.purge();
            assertThat(shared.areas()).isEmpty();
            assertThat(shared.freeRanges()).isEqualTo(1);
            assertThat(ram.allocator().freeFrames()).isEqualTo(free - init.nrPtes() - init.nrPmds());
            assertThat(init.nrPuds()).isEqualTo(2);
            assertThat(ram.allocator().audit()).isNull();
        }
    }

    private static void churn(PhysicalMemory ram, Vmalloc shared, long stamp) {
        SplittableRandom random = new SplittableRandom(stamp);
        long[] held = new long[24];
        for (int round = 0; round < ROUNDS; round++) {
            int slot = random.nextInt(held.length);
            if (held[slot] == 0) {
                long address = shared.vmalloc(random.nextLong(1, 40) * Page.SIZE);
                if (address == 0) {
                    throw new AssertionError("out of memory");
                }
                held[slot] = address;
                stampOrCheck(ram, shared, address, 0, stamp);
            } else {
                stampOrCheck(ram, shared, held[slot], stamp, 0);
                shared.vfree(held[slot]);
                held[slot] = 0;
            }
        }
        for (long address : held) {
            if (address != 0) {
                shared.vfree(address);
            }
        }
    }

    private static void stampOrCheck(PhysicalMemory ram, Vmalloc shared, long address, long expected, long value) {
        VmArea area = shared.find(address);
        for (long at = area.start(); at < area.end(); at += Page.SIZE) {
            long physical = shared.physical(at);
            if (ram.getLong(physical) != expected) {
                throw new AssertionError("another's memory at 0x" + Long.toHexString(at));
            }
            ram.putLong(physical, value);
        }
    }
}
