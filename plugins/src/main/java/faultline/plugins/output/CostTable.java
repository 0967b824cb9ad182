package faultline.plugins.output;

import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** What happened how often and what it cost, as {@code strace -c} prints it. For one thread at a time. */
public final class CostTable {
    private static final String LINE = "%6.2f %11.6f %9d %11d %9d %s%n";

    /** Calls, nanoseconds in all and at most, by name. */
    private static final class Row {
        private long calls;
        private long nanos;
        private long most;

        void add(long count, long cost, long longest) {
            calls += count;
            nanos += cost;
            most = Math.max(most, longest);
        }

        String line(long all, String name) {
            return String.format(
                    Locale.ROOT,
                    LINE,
                    all == 0 ? 0.0 : 100.0 * nanos / all,
                    nanos / 1e9,
                    nanos / Math.max(1, calls),
                    most,
                    calls,
                    name);
        }
    }

    private final Map<String, Row> rows = new TreeMap<>();

    /** Counts one. */
    public void add(String name, long nanos) {
        rows.computeIfAbsent(name, k -> new Row()).add(1, nanos, nanos);
    }

    /**
     * The table: what cost most comes first, the sum last.
     *
     * @param what heads the column of names
     */
    public String text(String what) {
        var total = new Row();
        rows.values().forEach(row -> total.add(row.calls, row.nanos, row.most));
        var text = new StringBuilder("% time     seconds   ns/call      max ns     calls " + what + "\n");
        String rule = "------ ----------- --------- ----------- --------- " + "-".repeat(40) + "\n";
        text.append(rule);
        rows.entrySet().stream()
                .sorted((a, b) -> Long.compare(b.getValue().nanos, a.getValue().nanos))
                .forEach(e -> text.append(e.getValue().line(total.nanos, e.getKey())));
        return text.append(rule).append(total.line(total.nanos, "total")).toString();
    }
}
