package faultline.plugins.output;

import faultline.plugins.dwarf.SourceLine;
import faultline.plugins.event.EventType;
import faultline.plugins.event.Field;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Adds events up as an {@link Aggregation} says and prints the groups at the end, the largest first. */
public final class AggregateSink implements EventSink {
    private static final int BAR = 40;

    private final Aggregation aggregation;
    private final Names names;
    private final OutputStream out;
    private final Map<String, Group> groups = new HashMap<>();

    /** @param out gets the tables when the sink is closed; stays open */
    public AggregateSink(Aggregation aggregation, OutputStream out, Names names) {
        this.aggregation = aggregation;
        this.out = out;
        this.names = names;
    }

    /** Events of one group. Bucket n of the histogram holds values of n bits: 2^(n-1) to 2^n - 1. */
    private static final class Group {
        long count;
        long sum;
        final long[] buckets = new long[65];
    }

    @Override
    public void event(EventType type, long[] records, int base) {
        long value = 0;
        if (aggregation.field() != null) {
            Field field = type.fields().get(aggregation.field());
            if (field == null) {
                return;
            }
            value = field.get(records, base);
        }
        var key = new StringBuilder();
        for (String part : aggregation.keys()) {
            String text = key(part, type, records, base);
            if (text == null) {
                return;
            }
            key.append(key.isEmpty() ? "" : ", ").append(text);
        }
        Group group = groups.computeIfAbsent(key.toString(), k -> new Group());
        group.count++;
        group.sum += value;
        group.buckets[64 - Long.numberOfLeadingZeros(Math.max(0, value))]++;
    }

    /** Null when this type of event has no such field: it belongs to no group. */
    private String key(String part, EventType type, long[] records, int base) {
        int pid = (int) (records[base + EventType.TASK] >>> 32);
        return switch (part) {
            case "event" -> type.name();
            case "stack" ->
                String.join(" < ", StackPath.texts(type, records, base, names).reversed());
            case "symbol" -> {
                Field ip = type.fields().get("ip");
                yield ip == null ? null : StackPath.function(names.symbols().name(pid, ip.get(records, base)));
            }
            case "line" -> {
                Field ip = type.fields().get("ip");
                SourceLine line = ip == null ? null : names.symbols().line(pid, ip.get(records, base));
                yield ip == null
                        ? null
                        : line == null ? names.symbols().name(pid, ip.get(records, base)) : line.toString();
            }
            default -> {
                Field field = type.fields().get(part);
                if (field == null) {
                    yield null;
                }
                long value = field.get(records, base);
                yield switch (field.kind()) {
                    case STRING -> names.strings().text(value);
                    case HEX -> "0x" + Long.toHexString(value);
                    case SYMBOL -> names.symbols().name(pid, value);
                    case BOOL, DEC, NS -> Long.toString(value);
                };
            }
        };
    }

    @Override
    public void close() throws IOException {
        var text = new StringBuilder();
        List<Map.Entry<String, Group>> sorted = groups.entrySet().stream()
                .sorted(java.util.Comparator.<Map.Entry<String, Group>>comparingLong(e -> -weight(e.getValue()))
                        .thenComparing(Map.Entry::getKey))
                .toList();
        for (Map.Entry<String, Group> entry : sorted) {
            Group group = entry.getValue();
            if (aggregation.kind() == Aggregation.Kind.HIST) {
                text.append(entry.getKey()).append("  (").append(group.count).append(")\n");
                histogram(text, group);
            } else {
                text.append(String.format("%12d  %s%n", weight(group), entry.getKey()));
            }
        }
        out.write(text.toString().getBytes(StandardCharsets.UTF_8));
        out.flush();
    }

    private long weight(Group group) {
        return aggregation.kind() == Aggregation.Kind.SUM ? group.sum : group.count;
    }

    private static void histogram(StringBuilder text, Group group) {
        long most = java.util.Arrays.stream(group.buckets).max().orElse(1);
        int first = 0;
        int last = group.buckets.length - 1;
        while (first < last && group.buckets[first] == 0) {
            first++;
        }
        while (last > first && group.buckets[last] == 0) {
            last--;
        }
        for (int i = first; i <= last; i++) {
            String range = "[" + (i == 0 ? 0 : 1L << (i - 1)) + ", "
                    + (i == 0 ? 1 : i == 64 ? "…" : Long.toUnsignedString(1L << i)) + ")";
            int length = (int) Math.ceilDiv(group.buckets[i] * BAR, most);
            text.append(String.format("  %-24s %10d |%-" + BAR + "s|%n", range, group.buckets[i], "@".repeat(length)));
        }
    }
}
