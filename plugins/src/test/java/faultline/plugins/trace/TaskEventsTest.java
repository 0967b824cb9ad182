package faultline.plugins.trace;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.emulator.cli.GuestRunner;
import faultline.plugins.event.EventType;
import faultline.plugins.event.Events;
import faultline.plugins.event.Field;
import faultline.plugins.event.StringTable;
import faultline.plugins.guest.EmulatorGuest;
import faultline.plugins.guest.Guests;
import faultline.plugins.output.EventSink;
import faultline.plugins.weave.SiteRegistry;
import faultline.plugins.weave.WovenWorld;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Signals and task switches as events. */
class TaskEventsTest {
    /** The events of a run, each as its fields by name, in words. */
    static final class Recording {
        static List<Map<String, String>> run(SiteRegistry registry, Object[] arguments) throws IOException {
            var strings = new StringTable();
            var guest = new EmulatorGuest(null);
            var events = new ArrayList<Map<String, String>>();
            EventSink sink = new EventSink() {
                @Override
                public void event(EventType type, long[] records, int base) {
                    var event = new HashMap<String, String>();
                    event.put("event", type.name());
                    for (Field field : type.fields().values()) {
                        long value = field.get(records, base);
                        event.put(field.name(), field.kind().isText() ? strings.text(value) : Long.toString(value));
                    }
                    events.add(event);
                }

                @Override
                public void close() {}
            };
            var session =
                    new TraceSession(new EventSelection((String) arguments[1], null, strings), sink, 1 << 12, true);
            try (var tracer = new Tracer(session, guest, strings, false)) {
                tracer.attach(registry);
                GuestRunner.run(
                        Guests.seeded((String) arguments[0]),
                        machine -> Guests.redirect(machine, "/dev/null"),
                        machine -> {});
                assertThat(tracer.failures()).isEmpty();
            }
            session.close();
            return events;
        }
    }

    @SuppressWarnings("unchecked") // maps of the platform's own types
    private static List<Map<String, String>> events(String program, String wanted) {
        return (List<Map<String, String>>)
                WovenWorld.run(site -> true, Recording.class, WovenWorld.program(program), wanted);
    }

    private static List<Map<String, String>> named(List<Map<String, String>> events, EventType type) {
        return events.stream().filter(e -> e.get("event").equals(type.name())).toList();
    }

    @Test
    void signalWithoutAHandlerIsSentAndDelivered() {
        var events = events("stack_overflow", "signal");
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
        var delivered = named(events("segv_repair", "signal"), Events.SIGNAL_DELIVER).stream()
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
        var events = events("aborts", "signal");
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
        var switches = events(program, "sched:sched_switch");
        assertThat(switches).hasSizeGreaterThan(3);
        String last = "0";
        for (Map<String, String> event : switches) {
            assertThat(event).containsEntry("prev_pid", last);
            assertThat(event.get("next_pid")).isEqualTo(event.get("tid")).isNotEqualTo(last);
            assertThat(event.get("next_comm")).isEqualTo(event.get("comm"));
            last = event.get("next_pid");
        }
    }
}
