package faultline.plugins.trace;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.emulator.cli.GuestRunner;
import faultline.emulator.task.Task;
import faultline.mmu.mm.Vma;
import faultline.mmu.table.Pte;
import faultline.plugins.event.EventType;
import faultline.plugins.event.Events;
import faultline.plugins.event.StringTable;
import faultline.plugins.guest.AddressSpaceView;
import faultline.plugins.guest.Guests;
import faultline.plugins.output.EventSink;
import faultline.plugins.output.Format;
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
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Traces of real guests against what the guest and the page tables say themselves. */
class GuestTraceTest {
    /** Counts fault events that were resolved, and what the guest's tasks counted, at their ends. */
    static final class Counting {
        static List<Long> run(SiteRegistry registry, Object[] arguments) throws IOException {
            var traced = new TracedGuest();
            var counts = new long[2];
            EventSink sink = new EventSink() {
                @Override
                public void event(EventType type, long[] records, int base) {
                    if (type == Events.EXIT) {
                        counts[1] += type.field("min_flt").get(records, base)
                                + type.field("maj_flt").get(records, base);
                    } else if (traced.strings
                            .text(type.field("result").get(records, base))
                            .equals("done")) {
                        counts[0]++;
                    }
                }

                @Override
                public void close() {}
            };
            TraceSession session = traced.session("fault,sched:sched_process_exit", sink);
            traced.run(registry, session, (String) arguments[0], "/dev/null");
            return List.of(counts[0], counts[1]);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "hello",
                "fresh_write",
                "private_file",
                "shared_anonymous",
                "kernel_access",
                "bus_error",
                "mutexes",
                "stack_growth",
                "segv_repair"
            })
    void faultEventsAreAsManyAsTheGuestsCountersSay(String program) {
        var counts = (List<?>) WovenWorld.run(site -> true, Counting.class, WovenWorld.program(program));
        assertThat((Long) counts.get(0)).isEqualTo((Long) counts.get(1)).isPositive();
    }

    /** Everything that can be traced, as text, with the machine's own clock. */
    static final class Everything {
        static String run(SiteRegistry registry, Object[] arguments) throws IOException {
            var traced = new TracedGuest();
            var text = new ByteArrayOutputStream();
            TraceSession session = traced.session("all", Format.TEXT.open(text, null, traced.names));
            session.setClock(() -> 0);
            try (var tracer = new Tracer(session, traced.guest, traced.strings, true)) {
                tracer.attach(registry);
                GuestRunner.run(
                        Guests.seeded((String) arguments[0]),
                        machine -> {
                            Guests.redirect(machine, "/dev/null");
                            machine.kernel().pool().setFaultListener((context, result, nanos) -> {});
                            session.setClock(machine.kernel()::uptimeNanos);
                        },
                        machine -> {});
                assertThat(tracer.failures()).isEmpty();
            }
            session.close();
            return text.toString(StandardCharsets.UTF_8);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"racy_counter", "mutexes"})
    void twoRunsWithOneSeedGiveTheSameTraceByteForByte(String program) {
        var first = (String) WovenWorld.run(site -> true, Everything.class, WovenWorld.program(program));
        var second = (String) WovenWorld.run(site -> true, Everything.class, WovenWorld.program(program));
        assertThat(first).contains("sched:sched_switch", "minfault", "lock:lock_acquired");
        assertThat(second).isEqualTo(first);
    }

    /** Pages that user code faulted on, pages that were filled, and flushes. */
    static final class Translations {
        static List<Object> run(SiteRegistry registry, Object[] arguments) throws IOException {
            var traced = new TracedGuest();
            var faulted = new java.util.TreeSet<Long>();
            var filled = new java.util.TreeSet<Long>();
            var flushes = new long[1];
            EventSink sink = new EventSink() {
                @Override
                public void event(EventType type, long[] records, int base) {
                    if (type == Events.TLB_FLUSH) {
                        flushes[0]++;
                    } else if (type == Events.TLB_FILL) {
                        if (type.field("filled").get(records, base) != 0) {
                            filled.add(type.field("address").get(records, base));
                        }
                    } else if (traced.strings
                            .text(type.field("result").get(records, base))
                            .equals("done")) {
                        faulted.add(type.field("address").get(records, base) & -4096);
                    }
                }

                @Override
                public void close() {}
            };
            TraceSession session = traced.session("tlb,exceptions:page_fault_user", sink);
            traced.run(registry, session, (String) arguments[0], "/dev/null");
            return List.of(List.copyOf(faulted), List.copyOf(filled), flushes[0]);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"fresh_write", "mremap_grow"})
    void everyPageThatFaultedIsFilledAfterwards(String program) {
        var result = (List<?>) WovenWorld.run(site -> true, Translations.class, WovenWorld.program(program));
        List<Long> faulted =
                ((List<?>) result.get(0)).stream().map(Long.class::cast).toList();
        List<Long> filled =
                ((List<?>) result.get(1)).stream().map(Long.class::cast).toList();
        assertThat(faulted).isNotEmpty();
        assertThat(filled).containsAll(faulted);
        assertThat((Long) result.get(2)).as("flushes").isPositive();
    }

    /** Compares each event with the page tables and mappings, in the thread and at the time of the fault. */
    static final class Comparing {
        static List<String> run(SiteRegistry registry, Object[] arguments) throws Exception {
            var traced = new TracedGuest();
            var wrong = new ArrayList<String>();
            var compared = new AtomicLong();
            EventSink sink = Format.TEXT.open(OutputStream.nullOutputStream(), null, traced.names);
            TraceSession session = traced.session("exceptions:page_fault_user", sink);
            session.subscribe(new EventSelection("exceptions:page_fault_user", null, traced.strings), record -> {
                Task task = Task.currentOrNull();
                if (task != null) {
                    compare(task, record, traced.strings, wrong);
                    compared.incrementAndGet();
                }
            });
            traced.run(registry, session, (String) arguments[0], "/dev/null");
            wrong.add("compared " + compared);
            return wrong;
        }

        private static void compare(Task task, long[] record, StringTable strings, List<String> wrong) {
            EventType type = Events.FAULT_USER;
            long address = type.field("address").get(record, 0);
            String path = strings.text(type.field("path").get(record, 0));
            String at = Long.toHexString(address) + " " + path + ": ";
            if (!strings.text(type.field("result").get(record, 0)).equals("done")) {
                return;
            }
            long now = AddressSpaceView.pte(task.kernel().memory().tables(), task.mm(), address);
            if (type.field("pte_after").get(record, 0) != now) {
                wrong.add(at + "entry is " + Long.toHexString(now));
            }
            if (!Pte.isPresent(now) || type.field("write").get(record, 0) != 0 && !Pte.isWrite(now)) {
                wrong.add(at + "entry does not allow the access: " + Long.toHexString(now));
            }
            Vma vma = task.mm().vmas().lookup(address);
            if (vma == null
                    || !AddressSpaceView.name(vma)
                            .equals(strings.text(type.field("vma").get(record, 0)))) {
                wrong.add(at + "mapping is " + vma);
            }
            long before = type.field("pte_before").get(record, 0);
            if (path.equals("new_page") && !Pte.isNone(before)) {
                wrong.add(at + "new page where there was " + Long.toHexString(before));
            }
            if (type.field("tid").get(record, 0) != task.tid()
                    || type.field("pid").get(record, 0) != task.pid()) {
                wrong.add(at + "wrong task");
            }
            if (task.mm().vmas().lookup(type.field("ip").get(record, 0)) == null) {
                wrong.add(at + "no code at the instruction pointer");
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"fresh_write", "private_file", "read_then_write", "stack_growth", "shared_anonymous"})
    void everyFieldOfAFaultAgreesWithTheTables(String program) {
        var lines = (List<?>) WovenWorld.run(site -> true, Comparing.class, WovenWorld.program(program));
        assertThat(lines.getLast().toString()).matches("compared [1-9][0-9]+");
        assertThat(lines).hasSize(1);
    }

    /** Runs with a format, or plainly without one. */
    static final class Formatting {
        static Integer run(SiteRegistry registry, Object[] arguments) throws IOException {
            var program = (String) arguments[0];
            var output = (String) arguments[1];
            if (arguments[2] == null) {
                return GuestRunner.run(
                        Guests.seeded(program), machine -> Guests.redirect(machine, output), machine -> {});
            }
            var traced = new TracedGuest();
            Path file = Path.of((String) arguments[3]);
            try (OutputStream out = Files.newOutputStream(file)) {
                EventSink sink = Format.valueOf((String) arguments[2]).open(out, file, traced.names);
                return traced.run(registry, traced.session("all,step,pte", sink), program, output);
            }
        }
    }

    @Test
    void outputAndStatusOfTheGuestAreTheSameUnderEveryFormat(@TempDir Path dir) {
        for (String name : new String[] {"private_file", "signals", "aborts"}) {
            String program = WovenWorld.program(name);
            Path plain = dir.resolve("plain");
            Object status = WovenWorld.run(site -> false, Formatting.class, program, plain.toString(), null);
            for (Format format : Format.values()) {
                Path traced = dir.resolve("traced");
                Path trace = dir.resolve("trace");
                assertThat(WovenWorld.run(
                                site -> true,
                                Formatting.class,
                                program,
                                traced.toString(),
                                format.name(),
                                trace.toString()))
                        .as("status of %s under %s", name, format)
                        .isEqualTo(status);
                assertThat(traced).as("output of %s under %s", name, format).hasSameBinaryContentAs(plain);
                assertThat(trace).isNotEmptyFile();
            }
        }
    }
}
