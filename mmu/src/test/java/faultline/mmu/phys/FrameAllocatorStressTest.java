package faultline.mmu.phys;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** Threads take, stamp, check and give frames: a frame in two hands at once would show another's stamp. */
class FrameAllocatorStressTest {
    private static final int STEPS = Integer.getInteger("faultline.stress.rounds", 150) * 1000;
    private static final int HELD = 2000;

    @Test
    void noFrameIsEverInTwoHands() throws InterruptedException {
        try (PhysicalMemory memory = PhysicalMemory.reserve(4 << 20)) {
            FrameAllocator allocator = memory.allocator();
            AtomicReference<Throwable> failure = new AtomicReference<>();
            AtomicLong refused = new AtomicLong();
            Thread[] threads = new Thread[6];
            for (int i = 0; i < threads.length; i++) {
                long stamp = i + 1;
                threads[i] = new Thread(() -> {
                    try {
                        work(memory, stamp, refused);
                    } catch (Throwable e) {
                        failure.compareAndSet(null, e);
                    }
                });
                threads[i].start();
            }
            for (Thread thread : threads) {
                thread.join();
            }
            assertThat(failure.get()).isNull();
            // One thread alone wants more than there are (about half of 2000 slots): running dry belongs to the test.
            assertThat(refused.get()).isPositive();
            assertThat(allocator.freeFrames()).isEqualTo(allocator.managedFrames());
            assertThat(allocator.audit()).isNull();
        }
    }

    private static void work(PhysicalMemory memory, long stamp, AtomicLong refused) {
        FrameAllocator allocator = memory.allocator();
        SplittableRandom random = new SplittableRandom(stamp);
        long[] held = new long[HELD];
        int[] orders = new int[HELD];
        for (int step = 0; step < STEPS; step++) {
            int slot = random.nextInt(HELD);
            if (held[slot] != 0) {
                give(memory, held[slot], orders[slot], stamp);
                held[slot] = 0;
                continue;
            }
            int order = random.nextInt(8) == 0 ? random.nextInt(4) : 0;
            long pfn = order == 0 ? allocator.allocPage() : allocator.allocPages(order);
            if (pfn < 0) {
                refused.incrementAndGet();
                continue;
            }
            for (int i = 0; i < 1 << order; i++) {
                memory.putLong(Page.address(pfn + i), stamp);
            }
            held[slot] = pfn;
            orders[slot] = order;
        }
        for (int slot = 0; slot < HELD; slot++) {
            if (held[slot] != 0) {
                give(memory, held[slot], orders[slot], stamp);
            }
        }
    }

    private static void give(PhysicalMemory memory, long pfn, int order, long stamp) {
        for (int i = 0; i < 1 << order; i++) {
            if (memory.getLong(Page.address(pfn + i)) != stamp) {
                throw new AssertionError("frame " + (pfn + i) + " was given to two threads");
            }
        }
        memory.allocator().freePages(pfn, order);
    }
}
