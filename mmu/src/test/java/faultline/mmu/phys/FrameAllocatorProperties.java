package faultline.mmu.phys;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

class FrameAllocatorProperties {
    /** Any order of taking and giving: no frame in two hands, counts exact, lists sound, all of it back in the end. */
    @Property(tries = 100, seed = "20260103")
    void blocksNeverOverlapAndAllComeBack(
            @ForAll @Size(min = 1, max = 300)
                    List<@IntRange(min = -1000, max = FrameAllocator.MAX_ORDER) Integer> steps,
            @ForAll @IntRange(min = 1, max = 4) int caches) {
        try (PhysicalMemory memory = PhysicalMemory.reserve(16 << 20, caches)) {
            FrameAllocator allocator = memory.allocator();
            BitSet inUse = new BitSet();
            List<long[]> blocks = new ArrayList<>();
            for (int step : steps) {
                if (step >= 0) {
                    long pfn = allocator.allocPages(step);
                    if (pfn >= 0) {
                        assertThat(inUse.get((int) pfn, (int) pfn + (1 << step)).isEmpty())
                                .isTrue();
                        inUse.set((int) pfn, (int) pfn + (1 << step));
                        blocks.add(new long[] {pfn, step});
                    } else {
                        assertThat(inUse.cardinality()).isGreaterThan(4096 / 4);
                    }
                } else if (!blocks.isEmpty()) {
                    long[] block = blocks.remove(-step % blocks.size());
                    inUse.clear((int) block[0], (int) block[0] + (1 << block[1]));
                    allocator.freePages(block[0], (int) block[1]);
                }
                assertThat(allocator.freeFrames()).isEqualTo(allocator.managedFrames() - inUse.cardinality());
            }
            assertThat(allocator.audit()).isNull();
            for (long[] block : blocks) {
                allocator.freePages(block[0], (int) block[1]);
            }
            allocator.drainCaches();
            assertThat(allocator.freeFrames()).isEqualTo(allocator.managedFrames());
            assertThat(allocator.audit()).isNull();
        }
    }
}
