package faultline.plugins.trace;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.plugins.event.EventType;
import faultline.plugins.event.Events;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Signals and task switches as events. */
class TaskEventsTest {
    private static List<Map<String, String>> named(List<Map<String, String>> events, EventType type) {
        return events.stream().filter(e -> e.get("event").equals(type.name())).toList();
    }

    @Test
    void signalWithoutAHandlerIsSentAndDelivered() {
        var events = RecordedEvents.of("stack_overflow", "signal");
        var sent = named(events, Events.SIGNAL_GENERATE).getLast();
        assertThat(sent)
                .containsEntry("sig", "11")
                .containsEntry("code", "1")
                .containsEntry("result", "0")
                .containsEntry("group", "0")
                .containsEntry("to_comm", "stack_overflow")
                .containsEntry("to_pid", sent.get("tid"));
        assertThat(named(events, Events.SIGNAL_DELIVER).getLast())
                .containsEntry("sig", "11")
                .containsEntry("sa_handler", "0");
    }

    @Test
    void signalsForAHandlerCarryItAndTheAddress() {
        var delivered = named(RecordedEvents.of("segv_repair", "signal"), Events.SIGNAL_DELIVER).stream()
                .filter(event -> event.get("sig").equals("11"))
                .toList();
        assertThat(delivered)
                .allSatisfy(event ->
                        assertThat(Long.parseLong(event.get("sa_handler"))).isGreaterThan(4096))
                .extracting(event -> event.get("address"))
                .contains("0")
                .hasSizeGreaterThan(10);
    }

    @Test
    void signalThatIsBlockedIsSentBeforeItIsDelivered() {
        var events = RecordedEvents.of("aborts", "signal");
        assertThat(named(events, Events.SIGNAL_GENERATE))
                .extracting(e -> e.get("sig"))
                .contains("6");
        // once to the handler, which returns, and once by default
        assertThat(named(events, Events.SIGNAL_DELIVER))
                .filteredOn(e -> e.get("sig").equals("6"))
                .extracting(e -> e.get("sa_handler").equals("0"))
                .containsExactly(false, true);
    }

    @ParameterizedTest
    @ValueSource(strings = {"mutexes", "racy_counter"})
    void everySwitchBeginsWhereTheOneBeforeEnded(String program) {
        var switches = RecordedEvents.of(program, "sched:sched_switch");
        assertThat(switches).hasSizeGreaterThan(3);
        String last = "0";
        for (Map<String, String> event : switches) {
            assertThat(event).containsEntry("prev_pid", last);
            assertThat(event.get("next_pid")).isEqualTo(event.get("tid")).isNotEqualTo(last);
            assertThat(event.get("next_comm")).isEqualTo(event.get("comm"));
            last = event.get("next_pid");
            assertThat(event.get("next_prio")).isEqualTo("120");
            assertThat(event.get("prev_prio")).isEqualTo("120");
            assertThat(event.get("prev_state")).isIn("R", "R+", "S", "Z", "X");
        }
        assertThat(switches).extracting(event -> event.get("prev_state")).contains("R+", "S");
    }

    @Test
    void switchTellsPriorityAndWhatTheTaskBeforeDoes() {
        // the shell ends as the child did: one that could not be made is another failure than a wrong event
        var switches = RecordedEvents.ofShell("nice -n 10 true; exit $?", "sched:sched_switch");
        assertThat(switches)
                .extracting(
                        event -> event.get("prev_comm") + " " + event.get("prev_prio") + " " + event.get("prev_state"))
                .contains("swapper/0 120 R", "sh 120 S", "true 130 Z");
    }
}
