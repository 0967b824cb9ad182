package faultline.mmu.phys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class FrameAllocatorTest {
    private final PhysicalMemory memory = PhysicalMemory.reserve(8 << 20, 1);
    private final FrameAllocator allocator = memory.allocator();
    private final FrameTable frames = memory.frames();

    @AfterEach
    void close() {
        assertThat(allocator.audit()).isNull();
        memory.close();
    }

    @Test
    void everyFrameButTheFirstIsHandedOutOnceAndThenThereIsNone() {
        Set<Long> seen = new HashSet<>();
        for (long pfn = allocator.allocPage(); pfn >= 0; pfn = allocator.allocPage()) {
            assertThat(seen.add(pfn)).isTrue();
            assertThat(frames.refcount(pfn)).isEqualTo(1);
        }
        assertThat(seen).hasSize(2047).doesNotContain(0L);
        assertThat(allocator.freeFrames()).isZero();
        assertThat(allocator.peakUsed()).isEqualTo(2048);
        seen.forEach(allocator::putPage);
        assertThat(allocator.freeFrames()).isEqualTo(allocator.managedFrames());
    }

    @Test
    void freedNeighboursMergeIntoLargeBlocks() {
        List<Long> taken = new ArrayList<>();
        for (long pfn = allocator.allocPage(); pfn >= 0; pfn = allocator.allocPage()) {
            taken.add(pfn);
        }
        taken.forEach(allocator::putPage);
        allocator.drainCaches();
        assertThat(allocator.freeBlocks(FrameAllocator.MAX_ORDER)).isEqualTo(1);
        assertThat(allocator.allocPages(FrameAllocator.MAX_ORDER)).isEqualTo(1024);
        allocator.freePages(1024, FrameAllocator.MAX_ORDER);
    }

    @Test
    void blocksAreAlignedToTheirSize() {
        for (int order = 0; order <= FrameAllocator.MAX_ORDER; order++) {
            long pfn = allocator.allocPages(order);
            assertThat(pfn % (1L << order)).isZero();
            allocator.freePages(pfn, order);
        }
    }

    @Test
    void singleFramesHeldInCachesAreFoundWhenABlockIsWanted() {
        List<Long> taken = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            taken.add(allocator.allocPage());
        }
        taken.forEach(allocator::putPage);
        long block = allocator.allocPages(9);
        long second = allocator.allocPages(9);
        long third = allocator.allocPages(9);
        assertThat(third).isPositive();
        for (long pfn : new long[] {block, second, third}) {
            allocator.freePages(pfn, 9);
        }
    }

    @Test
    void aZeroedPageIsZeroAfterUseToo() {
        Set<Long> used = new HashSet<>();
        for (int i = 0; i < 200; i++) {
            long pfn = allocator.allocZeroedPage();
            used.add(pfn);
            for (long at = 0; at < Page.SIZE; at += 8) {
                assertThat(memory.getLong(Page.address(pfn) + at)).isZero();
            }
            memory.putLong(Page.address(pfn) + 8, 42);
            allocator.putPage(pfn);
        }
        assertThat(used).as("frames come again").hasSizeLessThan(100);
    }

    @Test
    void aWriteToAFrameThatWaitsClearedIsFound() {
        long first = allocator.allocZeroedPage();
        long waiting = first + 1;
        assertThat(allocator.audit()).isNull();
        memory.putLong(Page.address(waiting) + 16, 42);
        assertThat(allocator.audit()).contains("frame " + waiting).contains("after it was cleared");
        memory.putLong(Page.address(waiting) + 16, 0);
        allocator.putPage(first);
    }

    @Test
    void aFrameBearsItsFlagsFromTheStart() {
        long pfn = allocator.allocZeroedPage(PageFlags.UPTODATE | PageFlags.REFERENCED);
        assertThat(frames.flags(pfn)).isEqualTo(PageFlags.UPTODATE | PageFlags.REFERENCED);
        allocator.putPage(pfn);
        assertThat(frames.flags(pfn)).isZero();
    }

    @Test
    void runsOfFramesMergeWhicheverWayTheyAreFreed() {
        for (boolean falling : new boolean[] {false, true}) {
            long[] taken = new long[1500];
            for (int i = 0; i < taken.length; i++) {
                taken[i] = allocator.allocPage();
            }
            Arrays.sort(taken);
            long[] given = new long[taken.length];
            for (int i = 0; i < taken.length; i++) {
                given[falling ? taken.length - 1 - i : i] = taken[i];
                frames.put(taken[i]);
            }
            allocator.freeUnreferenced(given, given.length);
            assertThat(allocator.audit()).isNull();
            allocator.drainCaches();
            assertThat(allocator.freeBlocks(FrameAllocator.MAX_ORDER)).isEqualTo(1);
            assertThat(allocator.freeFrames()).isEqualTo(allocator.managedFrames());
        }
    }

    @Test
    void theLastReferenceFreesACompoundPageWhole() {
        long free = allocator.freeFrames();
        long head = allocator.allocPages(9);
        frames.makeCompound(head, 9);
        frames.get(head + 17);
        assertThat(frames.head(head + 17)).isEqualTo(head);
        allocator.putPage(head);
        assertThat(allocator.freeFrames()).isEqualTo(free - 512);
        allocator.putPage(head + 17);
        assertThat(allocator.freeFrames()).isEqualTo(free);
        assertThat(frames.test(head + 17, PageFlags.TAIL)).isFalse();
    }

    @Test
    void aSplitCompoundPageIsFreedFrameByFrame() {
        long free = allocator.freeFrames();
        long head = allocator.allocPages(2);
        frames.makeCompound(head, 2);
        assertThat(frames.freezeRefcount(head, 1)).isTrue();
        frames.splitCompound(head, 1);
        for (long pfn = head; pfn < head + 4; pfn++) {
            allocator.putPage(pfn);
        }
        assertThat(allocator.freeFrames()).isEqualTo(free);
    }

    @Test
    void misuseIsReportedAndChangesNothing() {
        long pfn = allocator.allocPage();
        frames.get(pfn);
        assertThatThrownBy(() -> allocator.freePages(pfn, 0)).hasMessageContaining("other references");
        allocator.putPage(pfn);
        allocator.putPage(pfn);
        assertThatThrownBy(() -> allocator.putPage(pfn)).hasMessageContaining("released more often");
        assertThatThrownBy(() -> frames.get(pfn)).hasMessageContaining("while it is free");
        assertThat(frames.getUnlessZero(pfn)).isFalse();
        assertThatThrownBy(() -> frames.decMapcount(pfn)).hasMessageContaining("unmapped more often");
    }

    @Test
    void aMappedOrLockedFrameIsNotFreed() {
        long mapped = allocator.allocPage();
        frames.incMapcount(mapped);
        assertThatThrownBy(() -> allocator.putPage(mapped)).hasMessageContaining("in use");
        long locked = allocator.allocPage();
        frames.set(locked, PageFlags.LOCKED);
        assertThatThrownBy(() -> allocator.putPage(locked)).hasMessageContaining("in use");
    }

    @Test
    void whenFramesRunOutReclaimIsAskedAndThoseThatCannotWaitUseTheReserve() {
        List<Long> reclaimable = new ArrayList<>();
        int[] calls = new int[2];
        allocator.setReclaim(new FrameReclaim() {
            @Override
            public long reclaim(int order) {
                calls[0]++;
                // A reclaimer may need a frame itself: it gets one from the reserve, and reclaim does not recurse.
                long own = allocator.allocPage();
                assertThat(own).isPositive();
                allocator.putPage(own);
                if (reclaimable.isEmpty()) {
                    return 0;
                }
                allocator.putPage(reclaimable.removeLast());
                return 1;
            }

            @Override
            public void wake() {
                calls[1]++;
            }
        });
        assertThat(allocator.minWatermark()).isPositive();
        for (int i = 0; i < 10; i++) {
            reclaimable.add(allocator.allocPage());
        }
        List<Long> taken = new ArrayList<>();
        for (long pfn = allocator.allocPage(); pfn >= 0; pfn = allocator.allocPage()) {
            taken.add(pfn);
        }
        assertThat(reclaimable).isEmpty();
        assertThat(calls[0]).isEqualTo(11);
        assertThat(calls[1]).isPositive();
        assertThat(allocator.freeFrames()).isEqualTo(allocator.minWatermark());
        allocator.setReclaim(null);
        taken.forEach(allocator::putPage);
        assertThat(allocator.freeFrames()).isEqualTo(allocator.managedFrames());
    }

    @Test
    void anAllocationWaitsForPagesThatSomebodyIsAboutToFree() {
        List<Long> inHisHands = new ArrayList<>();
        int[] calls = new int[1];
        allocator.setReclaim(new FrameReclaim() {
            @Override
            public long reclaim(int order) {
                if (++calls[0] % 12 == 0) {
                    allocator.putPage(inHisHands.removeLast());
                }
                return 0;
            }

            @Override
            public long reclaimable() {
                return inHisHands.isEmpty() ? 0 : allocator.minWatermark() + 1;
            }

            @Override
            public void wake() {}
        });
        inHisHands.add(allocator.allocPage());
        inHisHands.add(allocator.allocPage());
        List<Long> taken = new ArrayList<>();
        for (long pfn = allocator.allocPage(); pfn >= 0; pfn = allocator.allocPage()) {
            taken.add(pfn);
        }
        assertThat(inHisHands).isEmpty();
        assertThat(calls[0]).isEqualTo(25);
        allocator.setReclaim(null);
        taken.forEach(allocator::putPage);
    }

    @Test
    void aFrameOnAReclaimListIsTakenOffWhenItIsFreed() {
        long pfn = allocator.allocPage(PageFlags.LRU | PageFlags.ACTIVE | PageFlags.UPTODATE);
        frames.setMapping(pfn, this);
        allocator.drainLru();
        assertThat(frames.lru().size(LruVec.ACTIVE_FILE)).isEqualTo(1);
        allocator.putPage(pfn);
        assertThat(frames.lru().size(LruVec.ACTIVE_FILE)).isZero();
        assertThat(frames.flags(pfn)).isZero();
        assertThat(frames.mapping(pfn)).isNull();
    }
}
