package faultline.mmu.tlb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import faultline.mmu.phys.PageFlags;
import faultline.mmu.phys.PhysicalMemory;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MmuGatherTest {
    private static final long BASE = 0x10_0000_0000L;

    private final PhysicalMemory memory = PhysicalMemory.reserve(512 << 20, 1);
    private final ModelTlb tlb = new ModelTlb();
    /** Frames told to the instruction cache, and whether the TLB still reached one at that moment. */
    private final List<Long> codeFlushed = new ArrayList<>();

    private boolean freedBehindTheTlb;
    private final MmuGather gather = new MmuGather(memory, pfn -> {
        codeFlushed.add(pfn);
        freedBehindTheTlb |= tlb.reaches(pfn);
    });

    @AfterEach
    void close() {
        memory.close();
    }

    private long mapped(long address) {
        long pfn = memory.allocator().allocPage();
        tlb.fill(address, pfn);
        return pfn;
    }

    @Test
    void framesAreFreedAfterOneFlushOfAllOfThem() {
        long free = memory.allocator().freeFrames();
        gather.begin(tlb, false);
        for (int i = 0; i < 1000; i++) {
            gather.removePage(mapped(BASE + 4096L * i), BASE + 4096L * i);
        }
        assertThat(memory.allocator().freeFrames()).isEqualTo(free - 1000);
        assertThat(tlb.flushes()).isZero();
        gather.finish();
        assertThat(tlb.flushes()).isEqualTo(1);
        assertThat(memory.allocator().freeFrames()).isEqualTo(free);
        assertThat(freedBehindTheTlb).isFalse();
        assertThat(codeFlushed).hasSize(1000);
    }

    @Test
    void nothingRemovedMeansNoFlush() {
        gather.begin(tlb, false);
        gather.finish();
        assertThat(tlb.flushes()).isZero();
    }

    @Test
    void aPageThatOthersReferenceStays() {
        long pfn = mapped(BASE);
        memory.frames().get(pfn);
        gather.begin(tlb, false);
        gather.removePage(pfn, BASE);
        gather.finish();
        assertThat(tlb.lookup(BASE)).isEqualTo(-1);
        assertThat(memory.frames().refcount(pfn)).isEqualTo(1);
        assertThat(codeFlushed).isEmpty();
        memory.allocator().putPage(pfn);
    }

    @Test
    void theFlushCoversChangedEntriesAndTablesToo() {
        tlb.fill(BASE, 7);
        tlb.fill(BASE + 0x1ff000, 8);
        tlb.fill(BASE + 0x20_0000, 9);
        long table = memory.allocator().allocPage();
        memory.frames().set(table, PageFlags.TABLE);
        gather.begin(tlb, false);
        gather.flushLater(BASE + 0x20_0000, 4096);
        gather.removeTable(table, BASE + 0x3000, 2 << 20);
        gather.finish();
        assertThat(tlb.lookup(BASE)).isEqualTo(-1);
        assertThat(tlb.lookup(BASE + 0x1ff000)).isEqualTo(-1);
        assertThat(tlb.lookup(BASE + 0x20_0000)).isEqualTo(-1);
        assertThat(memory.frames().test(table, PageFlags.TABLE)).isFalse();
        assertThat(memory.frames().refcount(table)).isZero();
    }

    @Test
    void tearingDownAWholeSpaceFlushesAllAtOnce() {
        tlb.fill(0x1000, 5);
        gather.begin(tlb, true);
        gather.removePage(mapped(BASE), BASE);
        gather.finish();
        assertThat(tlb.lookup(0x1000)).isEqualTo(-1);
        assertThat(gather.flushes()).isEqualTo(1);
    }

    @Test
    void pastTheLimitItFlushesAndFreesOnTheWay() {
        long free = memory.allocator().freeFrames();
        gather.begin(tlb, false);
        for (int i = 0; i < MmuGather.LIMIT + 1; i++) {
            gather.removePage(mapped(BASE + 4096L * i), BASE + 4096L * i);
        }
        assertThat(memory.allocator().freeFrames()).isEqualTo(free - 1);
        gather.finish();
        assertThat(tlb.flushes()).isEqualTo(2);
        assertThat(memory.allocator().freeFrames()).isEqualTo(free);
        assertThat(freedBehindTheTlb).isFalse();
    }

    @Test
    void aCompoundPageIsFreedAsOne() {
        long free = memory.allocator().freeFrames();
        long head = memory.allocator().allocPages(9);
        memory.frames().makeCompound(head, 9);
        gather.begin(tlb, false);
        gather.removePage(head, BASE, 2 << 20);
        gather.finish();
        assertThat(memory.allocator().freeFrames()).isEqualTo(free);
        assertThat(memory.allocator().audit()).isNull();
    }

    @Test
    void operationsDoNotNest() {
        gather.begin(tlb, false);
        assertThatThrownBy(() -> gather.begin(tlb, false)).isInstanceOf(IllegalStateException.class);
        gather.finish();
    }
}
