package faultline.plugins.output;

import faultline.plugins.event.EventType;
import faultline.plugins.event.Events;
import faultline.plugins.event.Field;
import java.io.IOException;
import java.io.OutputStream;

/**
 * Lines as {@code perf trace -F all} writes them.
 *
 * <pre>
 *    0.123 ( 0.002 ms): comm/123 minfault [main+0x1c demo.c:7] =&gt; [heap]@0x4c2000 (d.) W new_page
 *    0.130 ( 0.000 ms): comm/123 tlb:tlb_flush(reason: "range", pages: 3, start: 0x…, end: 0x…)
 * </pre>
 *
 * With a source line where the program has debugging information. Time is in milliseconds since the trace began, and so
 * is the cost in brackets. {@code d} or {@code x} tells data from code; what follows the bracket is what perf cannot
 * say: the kind of access and the path that the fault took.
 */
final class TextSink implements EventSink {
    private final ByteWriter out;
    private final Names names;

    TextSink(OutputStream out, Names names) {
        this.out = new ByteWriter(out);
        this.names = names;
    }

    @Override
    public void event(EventType type, long[] records, int base) throws IOException {
        long cost = records[base + EventType.COST];
        out.millis(records[base + EventType.TIME] - cost, 10)
                .put(" (")
                .millis(cost, 6)
                .put(" ms): ");
        out.put(names.strings().text(records[base + EventType.COMM]));
        out.put('/').dec(records[base + EventType.TASK] & 0xffff_ffffL).put(' ');
        if (type == Events.FAULT_USER || type == Events.FAULT_KERNEL) {
            fault(type, records, base);
        } else {
            fields(type, records, base);
        }
        out.put('\n').endRecord();
    }

    private void fault(EventType type, long[] records, int base) {
        int pid = (int) (records[base + EventType.TASK] >>> 32);
        long code = type.field("error_code").get(records, base);
        boolean exec = (code & 16) != 0;
        out.put(type.field("major").get(records, base) != 0 ? "majfault [" : "minfault [");
        out.put(names.symbols().place(pid, type.field("ip").get(records, base))).put("] => ");
        out.put(names.text(type.field("vma"), records, base)).put('@');
        out.hex(type.field("address").get(records, base)).put(exec ? " (x" : " (d");
        out.put(type == Events.FAULT_USER ? ".) " : "k) ")
                .put(exec ? 'X' : (code & 2) != 0 ? 'W' : 'R')
                .put(' ');
        out.put(names.text(type.field("path"), records, base));
        String result = names.text(type.field("result"), records, base);
        if (!result.equals("done")) {
            out.put(" => ").put(result);
        }
    }

    private void fields(EventType type, long[] records, int base) {
        out.put(type.name());
        char separator = '(';
        for (Field field : type.printedFields()) {
            out.put(separator)
                    .put(separator == ',' ? " " : "")
                    .put(field.name())
                    .put(": ");
            long value = field.get(records, base);
            switch (field.kind()) {
                case HEX -> out.hex(value);
                case STRING -> out.quoted(names.strings().text(value));
                case SYMBOL -> out.put(names.symbols().place((int) (records[base + EventType.TASK] >>> 32), value));
                case DEC, NS, BOOL -> out.dec(value);
            }
            separator = ',';
        }
        out.put(separator == '(' ? "()" : ")");
    }

    @Override
    public void flush() throws IOException {
        out.flush();
    }

    @Override
    public void close() throws IOException {
        out.flush();
    }
}
