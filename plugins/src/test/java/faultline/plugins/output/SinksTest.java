package faultline.plugins.output;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SinksTest {
    private final SampleEvents sample = new SampleEvents();

    private byte[] bytes(Format format) throws IOException {
        var out = new ByteArrayOutputStream();
        sample.feed(format.open(out, null, sample.names));
        return out.toByteArray();
    }

    private List<String> lines(Format format) throws IOException {
        return new String(bytes(format), StandardCharsets.UTF_8).lines().toList();
    }

    @Test
    void textLinesReadLikePerfTrace() throws IOException {
        assertThat(lines(Format.TEXT))
                .containsExactly(
                        "     0.001 ( 0.000 ms): demo/101 faultline:step(step: \"do_anonymous_page\", result: 0)",
                        "     0.001 ( 0.000 ms): demo/101 minfault [touch+0x34 demo.c:7]"
                                + " => [heap]@0x4c2010 (d.) W NEW_PAGE",
                        "     2.999 ( 0.001 ms): demo/101 majfault [0x0]"
                                + " => /bin/a b;c@0x7ffe0000 (dk) R FILE_READ => SIGBUS",
                        "     3.099 ( 0.000 ms): demo/101 lock:lock_acquired(lock: 0x10, lock_class: \"PTL\")",
                        "     3.199 ( 0.000 ms): demo/101 raw_syscalls:sys_exit(id: 9, syscall: \"mmap\", ret: -12)");
    }

    @Test
    void everyJsonLineIsAnObjectWithTheEventsFields() throws IOException {
        var objects = new ArrayList<Map<String, Object>>();
        for (String line : lines(Format.JSONL)) {
            objects.add(JSON.std.mapFrom(line));
        }
        assertThat(objects).hasSize(5);
        assertThat(objects.get(1))
                .containsEntry("event", "exceptions:page_fault_user")
                .containsEntry("time", 2000)
                .containsEntry("ns", 640)
                .containsEntry("pid", 100)
                .containsEntry("tid", 101)
                .containsEntry("comm", "demo")
                .containsEntry("address", "0x4c2010")
                .containsEntry("ip", "0x401234")
                .containsEntry("ip_symbol", "touch+0x34")
                .containsEntry("ip_line", "demo.c:7")
                .containsEntry("stack", List.of("touch+0x34", "main+0x10"))
                .containsEntry("stack_lines", List.of("demo.c:7", ""))
                .containsEntry("pte_after", "0x8000000001234067");
        assertThat(objects.get(4)).containsEntry("ret", -12).containsEntry("syscall", "mmap");
    }

    @Test
    void jsonTextSurvivesQuotesAndControlCharacters() throws IOException {
        var out = new ByteArrayOutputStream();
        var writer = new ByteWriter(out).quoted("a\"b\\c\n\u0001é–\ud83d\ude00");
        writer.flush();
        Object read = JSON.std.anyFrom("[" + out.toString(StandardCharsets.UTF_8) + "]");
        assertThat(read).isEqualTo(List.of("a\"b\\c\n\u0001é–\ud83d\ude00"));
    }

    @Test
    void numbersAreWrittenAsJavaWritesThem() throws IOException {
        for (long value : new long[] {0, 1, -1, 9, 10, 99, 100, 1L << 60, Long.MAX_VALUE, Long.MIN_VALUE, -12}) {
            var out = new ByteArrayOutputStream();
            var writer = new ByteWriter(out).dec(value).put(' ').hex(value);
            writer.flush();
            assertThat(out.toString(StandardCharsets.US_ASCII)).isEqualTo(value + " 0x" + Long.toHexString(value));
        }
    }

    @Test
    void foldedStacksGoFromCommandToKernelPath() throws IOException {
        assertThat(lines(Format.FOLDED))
                .contains(
                        "demo;main;touch;handle_mm_fault_[k];NEW_PAGE_[k] 1",
                        "demo;0x0;handle_mm_fault_[k];FILE_READ_[k] 1");
    }

    @Test
    void foldedStacksTellLinesWhereThatIsWanted() throws IOException {
        var out = new ByteArrayOutputStream();
        var names = new Names(sample.strings, sample.stacks, sample.names.symbols(), true);
        sample.feed(Format.FOLDED.open(out, null, names));
        assertThat(out.toString(StandardCharsets.UTF_8).lines())
                .contains("demo;main;touch:demo.c:7;handle_mm_fault_[k];NEW_PAGE_[k] 1");
    }

    @Test
    void pprofLocationsCarryLinesAndFunctionsTheirFiles() throws IOException {
        ProtoMessage profile =
                ProtoMessage.parse(new GZIPInputStream(new ByteArrayInputStream(bytes(Format.PPROF))).readAllBytes());
        List<String> strings = profile.texts(6);
        var touch = profile.messages(5).stream()
                .filter(f -> strings.get((int) f.number(2)).equals("touch"))
                .findFirst()
                .orElseThrow();
        assertThat(strings.get((int) touch.number(4))).isEqualTo("src/demo.c");
        assertThat(profile.messages(4))
                .map(location -> location.messages(4).getFirst())
                .filteredOn(line -> line.number(1) == touch.number(1))
                .extracting(line -> line.number(2))
                .containsExactly(7L);
    }

    @Test
    void perfettoSlicesNestAndEachTrackIsDescribedOnce() throws IOException {
        ProtoMessage trace = ProtoMessage.parse(bytes(Format.PERFETTO));
        var begins = new ArrayList<String>();
        var annotations = new ArrayList<String>();
        var open = new java.util.HashMap<Long, Integer>();
        var tracks = new java.util.HashSet<Long>();
        var interned = new java.util.HashMap<String, String>();
        assertThat(trace.messages(1).getFirst().number(13) & 1)
                .as("clears the state")
                .isEqualTo(1);
        for (ProtoMessage packet : trace.messages(1)) {
            assertThat(packet.number(10)).as("sequence id").isEqualTo(1);
            for (ProtoMessage descriptor : packet.messages(60)) {
                assertThat(tracks.add(descriptor.number(1))).isTrue();
            }
            for (ProtoMessage data : packet.messages(12)) {
                for (int kind : new int[] {1, 2, 3, 29}) {
                    data.messages(kind)
                            .forEach(text -> assertThat(interned.put(kind + " " + text.number(1), text.text(2)))
                                    .isNull());
                }
            }
            for (ProtoMessage event : packet.messages(11)) {
                assertThat(packet.number(13)).as("needs the state").isEqualTo(2);
                assertThat(tracks).as("described before its use").contains(event.number(11));
                int type = (int) event.number(9);
                if (type == 1) {
                    begins.add(packet.number(8) + " " + interned.get("2 " + event.number(10)) + " of "
                            + interned.get("1 " + event.number(3)));
                }
                for (ProtoMessage note : event.messages(4)) {
                    String value = note.has(17)
                            ? interned.get("29 " + note.number(17))
                            : Long.toString(note.number(note.has(7) ? 7 : 4));
                    assertThat(value).as("interned before its use").isNotNull();
                    annotations.add(interned.get("3 " + note.number(1)) + "=" + value);
                }
                open.merge(event.number(11), type == 1 ? 1 : type == 2 ? -1 : 0, Integer::sum);
            }
        }
        assertThat(begins)
                .containsExactly(
                        "1600 do_anonymous_page of step",
                        "1360 page_fault NEW_PAGE of fault",
                        "2999000 page_fault FILE_READ of fault",
                        "3099950 lock:lock_acquired of lock",
                        "3199910 mmap of syscall");
        assertThat(annotations).contains("path=NEW_PAGE", "address=4988944", "ip=touch+0x34 demo.c:7", "error_code=6");
        assertThat(open.values()).containsOnly(0);
    }

    @Test
    void pprofSamplesPointAtLocationsFunctionsAndStringsThatExist() throws IOException {
        ProtoMessage profile =
                ProtoMessage.parse(new GZIPInputStream(new ByteArrayInputStream(bytes(Format.PPROF))).readAllBytes());
        List<String> strings = profile.texts(6);
        assertThat(strings.getFirst()).isEmpty();
        var functions = new java.util.HashMap<Long, String>();
        profile.messages(5).forEach(f -> functions.put(f.number(1), strings.get((int) f.number(2))));
        var locations = new java.util.HashMap<Long, String>();
        profile.messages(4)
                .forEach(l -> locations.put(
                        l.number(1), functions.get(l.messages(4).getFirst().number(1))));
        var stacks = new ArrayList<String>();
        for (ProtoMessage each : profile.messages(2)) {
            List<String> path = each.packed(1).stream().map(locations::get).toList();
            stacks.add(String.join("<", path) + each.packed(2));
        }
        assertThat(stacks)
                .contains("NEW_PAGE_[k]<handle_mm_fault_[k]<touch<main<demo[1, 640]")
                .hasSize(5);
        assertThat(profile.messages(1))
                .extracting(t -> strings.get((int) t.number(1)))
                .containsExactly("events", "time");
    }

    @Test
    void flightRecorderFileHoldsTheEventsWithTheirFields(@TempDir Path dir) throws IOException {
        Path file = dir.resolve("trace.jfr");
        sample.feed(Format.JFR.open(null, file, sample.names));
        List<RecordedEvent> events = RecordingFile.readAllEvents(file).stream()
                .filter(e -> e.getEventType().getName().startsWith("faultline.exceptions"))
                .toList();
        assertThat(events).hasSize(2);
        RecordedEvent fault = events.getFirst();
        assertThat(fault.getEventType().getName()).isEqualTo("faultline.exceptions.page_fault_user");
        assertThat(fault.getString("address")).isEqualTo("0x4c2010");
        assertThat(fault.getString("ip")).isEqualTo("touch+0x34 demo.c:7");
        assertThat(fault.getDuration("cost").toNanos()).isEqualTo(640);
        assertThat(fault.getInt("tid")).isEqualTo(101);
    }

    @Test
    void flightRecorderWithoutAFileIsRefused() {
        assertThatThrownBy(() -> bytes(Format.JFR)).hasMessageContaining("-o FILE");
    }
}
