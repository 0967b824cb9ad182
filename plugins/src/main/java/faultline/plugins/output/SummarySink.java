package faultline.plugins.output;

import faultline.plugins.event.EventType;
import faultline.plugins.event.Events;
import faultline.plugins.event.Field;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;

/** A table at the end, as {@code strace -c} prints one: what happened how often, and what it cost. */
public final class SummarySink implements EventSink {
    private final OutputStream out;
    private final Names names;
    private final Map<String, long[]> rows = new TreeMap<>();
    private long minor;
    private long major;
    private long unresolved;

    /** @param out gets the table when the sink is closed; stays open */
    public SummarySink(OutputStream out, Names names) {
        this.out = out;
        this.names = names;
    }

    @Override
    public void event(EventType type, long[] records, int base) {
        if (type == Events.FAULT_USER || type == Events.FAULT_KERNEL) {
            if (!names.text(type.field("result"), records, base).equals("done")) {
                unresolved++;
            } else if (type.field("major").get(records, base) != 0) {
                major++;
            } else {
                minor++;
            }
        }
        long cost = records[base + EventType.COST];
        long[] row = rows.computeIfAbsent(key(type, records, base), k -> new long[3]);
        row[0]++;
        row[1] += cost;
        row[2] = Math.max(row[2], cost);
    }

    private String key(EventType type, long[] records, int base) {
        for (String telling : new String[] {"path", "syscall", "op", "step", "lock_class"}) {
            Field field = type.fields().get(telling);
            if (field != null) {
                return type.name() + " " + names.text(field, records, base);
            }
        }
        return type.name();
    }

    @Override
    public void close() throws IOException {
        long all = Math.max(1, rows.values().stream().mapToLong(r -> r[1]).sum());
        var text = new StringBuilder("% time     seconds   ns/call   max ns     calls event\n");
        text.append("------ ----------- --------- -------- --------- ")
                .append("-".repeat(40))
                .append('\n');
        rows.entrySet().stream()
                .sorted((a, b) -> Long.compare(b.getValue()[1], a.getValue()[1]))
                .forEach(e -> {
                    long[] row = e.getValue();
                    text.append(String.format(
                            "%6.2f %11.6f %9d %8d %9d %s%n",
                            100.0 * row[1] / all, row[1] / 1e9, row[1] / row[0], row[2], row[0], e.getKey()));
                });
        text.append(String.format("page faults: %d minor, %d major, %d not resolved%n", minor, major, unresolved));
        out.write(text.toString().getBytes(StandardCharsets.UTF_8));
        out.flush();
    }
}
