package faultline.plugins.output;

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
    private final Map<List<String>, long[]> samples = new LinkedHashMap<>();
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
        var locations = new HashMap<String, Long>();
        var places = new ProtoWriter();
        samples.forEach((path, values) -> {
            // the leaf comes first
            long[] ids = path.reversed().stream()
                    .mapToLong(f -> location(f, locations, places))
                    .toArray();
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
            places.writeTo(gzip);
            table.writeTo(gzip);
            new ProtoWriter().number(10, last).writeTo(gzip);
        }
        out.flush();
    }

    /** A location and a function of the same number for each different frame. */
    private long location(String frame, Map<String, Long> known, ProtoWriter places) {
        Long id = known.get(frame);
        if (id == null) {
            id = known.size() + 1L;
            known.put(frame, id);
            places.message(4, new ProtoWriter().number(1, id).message(4, new ProtoWriter().number(1, id)));
            places.message(
                    5, new ProtoWriter().number(1, id).number(2, string(frame)).number(3, string(frame)));
        }
        return id;
    }
}
