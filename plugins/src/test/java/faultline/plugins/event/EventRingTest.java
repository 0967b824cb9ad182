package faultline.plugins.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class EventRingTest {
    private static long[] record(long value) {
        var record = new long[EventType.WORDS];
        record[0] = value;
        record[EventType.WORDS - 1] = ~value;
        return record;
    }

    private static List<Long> drained(EventRing ring) {
        var values = new ArrayList<Long>();
        ring.drain((records, base) -> values.add(records[base]));
        return values;
    }

    @Test
    void recordsComeOutInTheirOrder() {
        var ring = new EventRing(4, false);
        for (int lap = 0; lap < 5; lap++) {
            assertThat(ring.offer(record(lap))).isTrue();
            assertThat(ring.offer(record(lap + 100))).isTrue();
            assertThat(drained(ring)).containsExactly((long) lap, lap + 100L);
        }
        assertThat(ring.accepted()).isEqualTo(10);
    }

    @Test
    void fullRingDropsAndCounts() {
        var ring = new EventRing(2, false);
        assertThat(ring.offer(record(1))).isTrue();
        assertThat(ring.offer(record(2))).isTrue();
        assertThat(ring.offer(record(3))).isFalse();
        assertThat(ring.dropped()).isEqualTo(1);
        assertThat(drained(ring)).containsExactly(1L, 2L);
    }

    @Test
    void losslessProducersLoseNothingAndNoRecordIsTorn() throws InterruptedException {
        int producers = 4;
        int each = 20_000;
        var ring = new EventRing(64, true);
        var threads = new ArrayList<Thread>();
        for (int p = 0; p < producers; p++) {
            long mark = (long) p << 32;
            threads.add(Thread.ofPlatform().start(() -> {
                for (int i = 0; i < each; i++) {
                    ring.offer(record(mark + i));
                }
            }));
        }
        var next = new long[producers];
        var wrong = new ArrayList<String>();
        for (int seen = 0; seen < producers * each; ) {
            seen += ring.drain((records, base) -> {
                long value = records[base];
                if (records[base + EventType.WORDS - 1] != ~value) {
                    wrong.add("torn " + value);
                }
                if (next[(int) (value >>> 32)]++ != (int) value) {
                    wrong.add("out of order " + value);
                }
            });
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(wrong).isEmpty();
        assertThat(ring.dropped()).isZero();
    }

    @Test
    @Timeout(120)
    void theEndHandsOverWhatWasTakenInAndLetsThoseGoWhoWait() throws InterruptedException {
        for (int round = 0; round < 300; round++) {
            var ring = new EventRing(round % 2 == 0 ? 2 : 1 << 12, true);
            var taken = new AtomicInteger();
            var threads = new ArrayList<Thread>();
            for (int p = 0; p < 3; p++) {
                threads.add(Thread.ofPlatform().start(() -> {
                    while (ring.offer(record(1))) {
                        taken.getAndIncrement();
                    }
                }));
            }
            int handed = drained(ring).size();
            handed +=
                    ring.drainLast((records, base) -> assertThat(records[base]).isEqualTo(1));
            for (Thread thread : threads) {
                thread.join();
            }
            assertThat(handed).as("round %d", round).isEqualTo(taken.get());
            assertThat(ring.accepted()).isEqualTo(handed);
            assertThat(drained(ring)).isEmpty();
        }
    }

    @Test
    void sizeMustBeAPowerOfTwo() {
        assertThatThrownBy(() -> new EventRing(100, false)).hasMessageContaining("power of two");
    }
}
