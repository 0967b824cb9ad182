package faultline.plugins.output;

import faultline.plugins.event.EventType;
import faultline.plugins.event.Events;
import faultline.plugins.event.Field;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/** A table at the end, as {@code strace -c} prints one: what happened how often, and what it cost. */
public final class SummarySink implements EventSink {
    private final OutputStream out;
    private final Names names;
    private final CostTable table = new CostTable();
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
        table.add(key(type, records, base), records[base + EventType.COST]);
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
        String faults = String.format("page faults: %d minor, %d major, %d not resolved%n", minor, major, unresolved);
        out.write((table.text("event") + faults).getBytes(StandardCharsets.UTF_8));
        out.flush();
    }
}
