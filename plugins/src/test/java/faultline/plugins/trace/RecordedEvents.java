package faultline.plugins.trace;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.emulator.cli.GuestRunner;
import faultline.plugins.event.EventType;
import faultline.plugins.event.Field;
import faultline.plugins.event.StringTable;
import faultline.plugins.guest.EmulatorGuest;
import faultline.plugins.guest.Guests;
import faultline.plugins.output.EventSink;
import faultline.plugins.weave.SiteRegistry;
import faultline.plugins.weave.WovenWorld;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The events of a guest's run, for tests. */
final class RecordedEvents {
    private static final String SHELL = "/bin/sh";

    private RecordedEvents() {}

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
            Path said = Files.createTempFile("guest", ".out");
            var session =
                    new TraceSession(new EventSelection((String) arguments[1], null, strings), sink, 1 << 12, true);
            try (var tracer = new Tracer(session, guest, strings, false)) {
                tracer.attach(registry);
                int status = GuestRunner.run(
                        Guests.seeded((String) arguments[0], (String[]) arguments[2]),
                        machine -> Guests.redirect(machine, said.toString()),
                        machine -> {});
                assertThat(tracer.failures()).isEmpty();
                if (arguments[0].equals(SHELL)) {
                    assertThat(status).as(Files.readString(said)).isZero();
                }
            } finally {
                Files.delete(said);
            }
            session.close();
            return events;
        }
    }

    static List<Map<String, String>> of(String program, String wanted) {
        return record(WovenWorld.program(program), wanted);
    }

    static List<Map<String, String>> ofShell(String script, String wanted) {
        return record(SHELL, wanted, "-c", script);
    }

    @SuppressWarnings("unchecked") // maps of the platform's own types
    private static List<Map<String, String>> record(String path, String wanted, String... arguments) {
        return (List<Map<String, String>>) WovenWorld.run(site -> true, Recording.class, path, wanted, arguments);
    }
}
