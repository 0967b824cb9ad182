package faultline.plugins.live;

import faultline.plugins.event.EventType;
import faultline.plugins.event.Events;
import faultline.plugins.event.StringTable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Counts faults by process and mapping, in all and since the last look; any thread. */
final class HotMappings {
    private static final double NANOS = 1e9;
    /** Weight of the newest interval in a rate, so that what pauses for a moment does not jump about. */
    private static final double NEWEST = 0.5;

    private record Key(int pid, long comm, long vma) {}

    private static final class Row {
        long faults;
        long recent;
        long nanos;
        double rate;
    }

    private final StringTable strings;
    private final Map<Key, Row> rows = new HashMap<>();
    private final Map<Long, Long> paths = new HashMap<>();
    private final Row all = new Row();
    private long major;
    private long slowest;

    HotMappings(StringTable strings) {
        this.strings = strings;
    }

    /** Takes an event; those that are no faults do not count. */
    synchronized void add(EventType type, long[] records, int base) {
        if (type != Events.FAULT_USER && type != Events.FAULT_KERNEL) {
            return;
        }
        long nanos = records[base + EventType.COST];
        var key = new Key(
                (int) (records[base + EventType.TASK] >>> 32),
                records[base + EventType.COMM],
                type.field("vma").get(records, base));
        count(rows.computeIfAbsent(key, k -> new Row()), nanos);
        count(all, nanos);
        paths.merge(type.field("path").get(records, base), 1L, Long::sum);
        major += type.field("major").get(records, base) != 0 ? 1 : 0;
        slowest = Math.max(slowest, nanos);
    }

    private static void count(Row row, long nanos) {
        row.faults++;
        row.recent++;
        row.nanos += nanos;
    }

    /**
     * The view, the busiest mapping first; what is counted as recent begins anew.
     *
     * @param elapsed nanoseconds since this was last asked
     * @param total nanoseconds since the beginning
     * @param height lines at most, at least 3
     * @param width columns at most
     */
    synchronized List<String> lines(long elapsed, long total, int height, int width) {
        rows.values().forEach(row -> settle(row, elapsed));
        settle(all, elapsed);
        var lines = new ArrayList<String>();
        lines.add(String.format(
                Locale.ROOT,
                "%.1f s  %d faults, %d major  %.0f/s  mean %s, slowest %s  %s",
                total / NANOS,
                all.faults,
                major,
                all.rate,
                time(all.nanos / Math.max(1, all.faults)),
                time(slowest),
                mostly()));
        lines.add(" faults/s    faults      mean  process              mapping");
        rows.entrySet().stream()
                .sorted(Comparator.<Map.Entry<Key, Row>>comparingDouble(e -> -e.getValue().rate)
                        .thenComparing(e -> -e.getValue().faults)
                        .thenComparing(e -> e.getKey().pid)
                        .thenComparing(e -> e.getKey().vma))
                .limit(height - 2L)
                .forEach(e -> lines.add(line(e.getKey(), e.getValue())));
        return lines.stream()
                .map(line -> line.length() > width ? line.substring(0, width) : line)
                .toList();
    }

    private static void settle(Row row, long elapsed) {
        row.rate = row.rate * (1 - NEWEST) + NEWEST * row.recent * NANOS / Math.max(1, elapsed);
        row.recent = 0;
    }

    private String line(Key key, Row row) {
        return String.format(
                Locale.ROOT,
                "%9.0f %9d %9s  %-20s %s",
                row.rate,
                row.faults,
                time(row.nanos / row.faults),
                strings.text(key.comm) + "/" + key.pid,
                strings.text(key.vma));
    }

    /** The three most frequent paths, in percent. */
    private String mostly() {
        var text = new StringBuilder();
        paths.entrySet().stream()
                .sorted(Map.Entry.<Long, Long>comparingByValue().reversed().thenComparing(Map.Entry.comparingByKey()))
                .limit(3)
                .forEach(e -> text.append(String.format(
                        Locale.ROOT,
                        " %s %d %%",
                        strings.text(e.getKey()),
                        100 * e.getValue() / Math.max(1, all.faults))));
        return text.toString().strip();
    }

    private static String time(long nanos) {
        return nanos < 10_000 ? nanos + " ns" : nanos < 10_000_000 ? nanos / 1000 + " us" : nanos / 1_000_000 + " ms";
    }
}
