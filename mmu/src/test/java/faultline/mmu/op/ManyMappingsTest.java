package faultline.mmu.op;

import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.FIXED;
import static faultline.mmu.system.MmFixture.PAGE;
import static faultline.mmu.system.MmFixture.RW;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.Errno;
import faultline.mmu.mm.Prot;
import faultline.mmu.system.MmFixture;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.Test;

/** As many mappings as vm.max_map_count allows. */
class ManyMappingsTest {
    private static final int MAX = 65_530;
    /** What is timed at once; of several such blocks the quickest counts, in which nothing else had the processor. */
    private static final int BLOCK = 512;

    private static final int BLOCKS = 16;
    private static final int WARM_UPS = 20;
    /**
     * How many times longer an operation may take among 65,530 mappings than among 512: three times is measured, most
     * of it cache misses; a look at each mapping would take a hundred times longer. However fast the machine is.
     */
    private static final int FACTOR = 32;

    /** Nanoseconds of the quickest block of each operation. */
    private record Costs(long mmap, long find, long munmap) {
        Costs orLess(Costs other) {
            return new Costs(Math.min(mmap, other.mmap), Math.min(find, other.find), Math.min(munmap, other.munmap));
        }
    }

    private static long address(int i) {
        return BASE + 2L * i * PAGE;
    }

    private static long quickestBlock(int from, int end, IntConsumer operation) {
        long quickest = Long.MAX_VALUE;
        for (int first = from; first + BLOCK <= end; first += BLOCK) {
            long start = System.nanoTime();
            for (int i = first; i < first + BLOCK; i++) {
                operation.accept(i);
            }
            quickest = Math.min(quickest, System.nanoTime() - start);
        }
        return quickest;
    }

    /** What the last of {@code count} mappings cost to make, and those in the middle to find and to unmap. */
    private static Costs costsAmong(int count) {
        try (MmFixture m = new MmFixture()) {
            int last = Math.max(0, count - BLOCKS * BLOCK);
            IntConsumer map = i -> MmFixture.ok(m.mmap(address(i), PAGE, Prot.READ, FIXED));
            for (int i = 0; i < last; i++) {
                map.accept(i);
            }
            long mmap = quickestBlock(last, count, map);
            for (int i = last + (count - last) / BLOCK * BLOCK; i < count; i++) {
                map.accept(i);
            }
            assertThat(m.mm.vmas().size()).isEqualTo(count);
            int measured = Math.min(count, BLOCKS * BLOCK);
            int from = (count - measured) / 2;
            long find = quickestBlock(from, from + measured, i -> {
                if (m.mm.vmas().find(address(i)).start() != address(i)) {
                    throw new AssertionError("found another mapping than that of " + i);
                }
            });
            long munmap = quickestBlock(from, from + measured, i -> MmFixture.ok(m.munmap(address(i), PAGE)));
            assertThat(m.mm.vmas().size()).isEqualTo(count - measured);
            return new Costs(mmap, find, munmap);
        }
    }

    @Test
    void noOperationLooksAtAllMappings() {
        Costs few = costsAmong(BLOCK);
        for (int i = 0; i < WARM_UPS; i++) {
            few = few.orLess(costsAmong(BLOCK));
        }
        Costs many = costsAmong(MAX);
        assertThat(many.mmap).as("mmap").isLessThan(FACTOR * few.mmap);
        assertThat(many.find).as("find").isLessThan(FACTOR * few.find);
        assertThat(many.munmap).as("munmap").isLessThan(FACTOR * few.munmap);
    }

    @Test
    void oneMoreThanTheLimitIsMappedAndNoMore() {
        try (MmFixture m = new MmFixture()) {
            for (int i = 0; i <= MAX; i++) {
                MmFixture.ok(m.mmap(address(i), PAGE, i == 0 ? RW : Prot.READ, FIXED));
            }
            assertThat(m.mmap(BASE - 16 * PAGE, PAGE, RW, FIXED)).isEqualTo(-Errno.ENOMEM);
            assertThat(m.mprotect(BASE, PAGE, Prot.READ)).isZero();
        }
    }
}
