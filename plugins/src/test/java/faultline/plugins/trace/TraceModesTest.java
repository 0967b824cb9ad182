package faultline.plugins.trace;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.emulator.cli.GuestRunner;
import faultline.plugins.event.EventType;
import faultline.plugins.event.Events;
import faultline.plugins.event.StringTable;
import faultline.plugins.guest.EmulatorGuest;
import faultline.plugins.guest.Guests;
import faultline.plugins.output.AggregateSink;
import faultline.plugins.output.Aggregation;
import faultline.plugins.output.EventSink;
import faultline.plugins.output.Format;
import faultline.plugins.output.Names;
import faultline.plugins.output.SummarySink;
import faultline.plugins.output.TeeSink;
import faultline.plugins.weave.SiteRegistry;
import faultline.plugins.weave.WovenWorld;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Guest programs with everything traced in every format at a time: their output and status stay as they are, and the
 * traced faults are as many as they counted themselves. A dozen programs; all of them with {@code
 * -Dfaultline.trace.programs=all}.
 */
class TraceModesTest {
    /** Take minutes, or arguments, or a terminal's input. */
    private static final Set<String> OTHERS =
            Set.of("compute", "memory", "operations", "startup", "many_faults", "mm_fuzz", "echo_stdin", "arguments");

    /**
     * Prints the virtual time, which counts blocks of code: a stop at a fault divides some of them. Its plain run stops
     * at faults, too, and differs from the traced ones by all the rest.
     */
    private static final String TELLS_TIME = "racy_counter";

    @TempDir
    Path dir;

    static Stream<String> programs() throws IOException {
        if (!System.getProperty("faultline.trace.programs", "").equals("all")) {
            return Stream.of(
                    "hello",
                    "private_file",
                    "mremap_move",
                    "stack_growth",
                    "kernel_access",
                    "madvise_dontneed",
                    "bus_error",
                    "segv_information",
                    "killed",
                    "mutexes",
                    TELLS_TIME,
                    "read_modify_write");
        }
        try (Stream<Path> files =
                Files.list(Path.of(WovenWorld.program("hello")).getParent())) {
            return files
                    .map(file -> file.getFileName().toString())
                    .filter(name -> !name.contains(".") && !OTHERS.contains(name))
                    .sorted()
                    .toList()
                    .stream();
        }
    }

    /** A run without probes. */
    static final class Plain {
        static Integer run(SiteRegistry registry, Object[] arguments) {
            return GuestRunner.run(
                    Guests.seeded((String) arguments[0]),
                    machine -> {
                        Guests.redirect(machine, (String) arguments[1]);
                        if (((String) arguments[0]).endsWith(TELLS_TIME)) {
                            machine.kernel().pool().setFaultListener((context, result, nanos) -> {});
                        }
                    },
                    machine -> {});
        }
    }

    /** A run with all events in all formats. Returns status, fault events, what the tasks counted, and the summary. */
    static final class Everything {
        static List<Object> run(SiteRegistry registry, Object[] arguments) throws IOException {
            var strings = new StringTable();
            var guest = new EmulatorGuest(null);
            var names = new Names(strings, guest.stacks(), guest.modules());
            var summary = new ByteArrayOutputStream();
            var counts = new long[2];
            var sinks = new ArrayList<EventSink>();
            for (Format format : Format.values()) {
                sinks.add(format.open(OutputStream.nullOutputStream(), Path.of((String) arguments[2]), names));
            }
            sinks.add(new SummarySink(summary, names));
            sinks.add(new AggregateSink(
                    Aggregation.parse("hist(ns) by(comm, line) stack()", Events.ALL), summary, names));
            sinks.add(new EventSink() {
                @Override
                public void event(EventType type, long[] records, int base) {
                    if (type == Events.EXIT) {
                        counts[1] += type.field("min_flt").get(records, base)
                                + type.field("maj_flt").get(records, base);
                    } else if (type.category().equals("fault")
                            && strings.text(type.field("result").get(records, base))
                                    .equals("done")) {
                        counts[0]++;
                    }
                }

                @Override
                public void close() {}
            });
            var session = new TraceSession(
                    new EventSelection("all,step,pte,tlb", null, strings), new TeeSink(sinks), 1 << 14, true);
            int status;
            try (var tracer = new Tracer(session, guest, strings, true)) {
                tracer.attach(registry);
                status = GuestRunner.run(
                        Guests.seeded((String) arguments[0]),
                        machine -> {
                            Guests.redirect(machine, (String) arguments[1]);
                            machine.kernel().pool().setFaultListener((context, result, nanos) -> {});
                        },
                        machine -> {});
                assertThat(tracer.failures()).isEmpty();
            }
            session.close();
            return List.of(status, counts[0], counts[1], summary.toString(StandardCharsets.UTF_8));
        }
    }

    @ParameterizedTest
    @MethodSource("programs")
    void guestSeesNothingOfItsTraceAndEveryFaultIsInIt(String name) throws IOException {
        String program = WovenWorld.program(name);
        Path plain = dir.resolve("plain");
        Path traced = dir.resolve("traced");
        Object status = WovenWorld.run(site -> false, Plain.class, program, plain.toString());
        var result = (List<?>) WovenWorld.run(
                site -> true,
                Everything.class,
                program,
                traced.toString(),
                dir.resolve("trace.jfr").toString());
        assertThat(result.get(0)).as("status").isEqualTo(status);
        assertThat(traced).hasSameBinaryContentAs(plain);
        assertThat((Long) result.get(1))
                .as("fault events")
                .isEqualTo(result.get(2))
                .isPositive();
        assertThat(result.get(3).toString()).contains("page faults: ", "exceptions:page_fault_user");
    }
}
