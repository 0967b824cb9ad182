package faultline.plugins.output;

import faultline.plugins.dwarf.SourceLine;
import faultline.plugins.event.EventType;
import java.io.IOException;
import java.io.OutputStream;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;

/** A gzipped pprof profile: stacks with how many events they had and the nanoseconds these took. Written at the end. */
final class PprofSink implements EventSink {
    private final OutputStream out;
    private final Names names;
    private final Map<List<StackPath.Frame>, long[]> samples = new LinkedHashMap<>();
    private final Map<String, Integer> strings = new LinkedHashMap<>();
    private long last;

    PprofSink(OutputStream out, Names names) {
        this.out = out;
        this.names = names;
        string("");
    }

    private int string(String text) {
        return strings.computeIfAbsent(text, t -> strings.size());
    }

    @Override
    public void event(EventType type, long[] records, int base) {
        long[] values = samples.computeIfAbsent(StackPath.of(type, records, base, names), k -> new long[2]);
        values[0]++;
        values[1] += records[base + EventType.COST];
        last = Math.max(last, records[base + EventType.TIME]);
    }

    @Override
    public void close() throws IOException {
        // Profile: sample_type 1, sample 2, location 4, function 5, string_table 6, duration 10
        var profile = new ProtoWriter();
        profile.message(1, new ProtoWriter().number(1, string("events")).number(2, string("count")));
        profile.message(1, new ProtoWriter().number(1, string("time")).number(2, string("nanoseconds")));
        var places = new Places();
        samples.forEach((path, values) -> {
            // the leaf comes first
            long[] ids = path.reversed().stream().mapToLong(places::location).toArray();
            profile.message(2, new ProtoWriter().packed(1, ids).packed(2, values));
        });
        var table = new ProtoWriter();
        strings.keySet().forEach(text -> table.text(6, text));
        try (var gzip = new GZIPOutputStream(out) {
            @Override
            public void close() throws IOException {
                finish(); // the stream below belongs to others
            }
        }) {
            profile.writeTo(gzip);
            places.written.writeTo(gzip);
            table.writeTo(gzip);
            new ProtoWriter().number(10, last).writeTo(gzip);
        }
        out.flush();
    }

    /** Locations, one for each place, and the functions they lie in. */
    private final class Places {
        private final Map<StackPath.Frame, Long> locations = new HashMap<>();
        private final Map<StackPath.Frame, Long> functions = new HashMap<>();
        private final ProtoWriter written = new ProtoWriter();

        /** The location's number. Location: id 1, line 4; Line: function 1, line 2. */
        long location(StackPath.Frame frame) {
            Long id = locations.get(frame);
            if (id == null) {
                id = locations.size() + 1L;
                locations.put(frame, id);
                var line = new ProtoWriter().number(1, function(frame));
                if (frame.line() != null) {
                    line.number(2, frame.line().line());
                }
                written.message(4, new ProtoWriter().number(1, id).message(4, line));
            }
            return id;
        }

        /** The function's number: one of that name in that file. Function: id 1, name 2, system name 3, file 4. */
        private long function(StackPath.Frame frame) {
            String file = frame.line() == null ? "" : frame.line().path();
            var key = new StackPath.Frame(frame.function(), new SourceLine(file, 0));
            Long id = functions.get(key);
            if (id == null) {
                id = functions.size() + 1L;
                functions.put(key, id);
                int name = string(frame.function());
                written.message(
                        5,
                        new ProtoWriter()
                                .number(1, id)
                                .number(2, name)
                                .number(3, name)
                                .number(4, string(file)));
            }
            return id;
        }
    }
}
