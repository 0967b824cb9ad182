package faultline.plugins.trace;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.plugins.event.Events;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Frames and resident sets as events: nothing is lost, and nothing told twice, from the machine's start to its end. */
class MemoryEventsTest {
    private static long number(Map<String, String> event, String field) {
        return Long.parseLong(event.get(field));
    }

    @ParameterizedTest
    @ValueSource(strings = {"fresh_write", "read_then_write", "private_file", "shared_anonymous", "racy_counter"})
    void noFrameIsTakenTwiceOrGivenBackTwice(String program) {
        var orders = new HashMap<Long, Long>();
        int freed = 0;
        for (Map<String, String> event : RecordedEvents.of(program, "page")) {
            long pfn = number(event, "pfn");
            if (event.get("event").equals(Events.PAGE_ALLOC.name())) {
                assertThat(orders.put(pfn, number(event, "order")))
                        .as("frame %d, taken while it was in use", pfn)
                        .isNull();
            } else {
                assertThat(orders.remove(pfn)).as("frame %d, given back", pfn).isEqualTo(number(event, "order"));
                freed++;
            }
        }
        assertThat(freed).isGreaterThan(10);
    }

    @ParameterizedTest
    @ValueSource(strings = {"fresh_write", "read_then_write", "private_file", "shared_anonymous", "racy_counter"})
    void residentSetsAreNeverNegativeAndEndAtZero(String program) {
        var sizes = new HashMap<List<String>, Long>();
        for (Map<String, String> event : RecordedEvents.of(program, "kmem:rss_stat")) {
            assertThat(number(event, "size")).isNotNegative();
            sizes.put(List.of(event.get("mm_id"), event.get("member")), number(event, "size"));
        }
        assertThat(sizes).isNotEmpty();
        assertThat(sizes.values()).containsOnly(0L);
    }
}
