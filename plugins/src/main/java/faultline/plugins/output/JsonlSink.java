package faultline.plugins.output;

import faultline.plugins.dwarf.SourceLine;
import faultline.plugins.event.EventType;
import faultline.plugins.event.Events;
import faultline.plugins.event.Field;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.LongFunction;

/**
 * One JSON object a line. Addresses and entries are strings in hexadecimal, since a JSON number is a double to many
 * readers and a page-table entry uses bit 63.
 */
final class JsonlSink implements EventSink {
    private static final int PLACES = 1 << 10;

    private final ByteWriter out;
    private final Names names;
    private final Layout[] layouts = Events.ALL.stream().map(Layout::new).toArray(Layout[]::new);
    /** Quoted forms of the texts seen so far, by number. */
    private byte[][] quoted = new byte[256][];

    private final Object[] places = new Object[PLACES];
    private final byte[][] quotedPlaces = new byte[PLACES][];

    JsonlSink(OutputStream out, Names names) {
        this.out = new ByteWriter(out);
        this.names = names;
    }

    /** The unchanging parts of a type's line, as bytes. */
    private static final class Layout {
        final byte[] event;
        final Field[] fields;
        final byte[][] keys;

        Layout(EventType type) {
            event = bytes(",\"event\":\"" + type.name() + "\",\"pid\":");
            List<Field> printed = type.printedFields();
            fields = printed.toArray(Field[]::new);
            keys = printed.stream().map(f -> bytes(",\"" + f.name() + "\":")).toArray(byte[][]::new);
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    @Override
    public void event(EventType type, long[] records, int base) throws IOException {
        Layout layout = layouts[type.id()];
        long task = records[base + EventType.TASK];
        out.put("{\"time\":")
                .dec(records[base + EventType.TIME])
                .put(layout.event)
                .dec(task >>> 32);
        out.put(",\"tid\":").dec(task & 0xffff_ffffL).put(",\"comm\":").put(text(records[base + EventType.COMM]));
        if (records[base + EventType.COST] != 0) {
            out.put(",\"ns\":").dec(records[base + EventType.COST]);
        }
        for (int i = 0; i < layout.fields.length; i++) {
            Field field = layout.fields[i];
            value(out.put(layout.keys[i]), field, field.get(records, base), (int) (task >>> 32));
        }
        if (records[base + EventType.STACK] != 0) {
            stack(records[base + EventType.STACK], (int) (task >>> 32));
        }
        out.put("}\n").endRecord();
    }

    /** The guest's functions, innermost first, and beside them the lines, empty where they are not known. */
    private void stack(long number, int pid) {
        long[] frames = names.stacks().frames((int) number);
        list(",\"stack\":", frames, address -> names.symbols().name(pid, address));
        list(",\"stack_lines\":", frames, address -> {
            SourceLine line = names.symbols().line(pid, address);
            return line == null ? "" : line;
        });
    }

    private void list(String key, long[] frames, LongFunction<Object> text) {
        out.put(key);
        char separator = '[';
        for (long address : frames) {
            out.put(separator).put(quoted(text.apply(address)));
            separator = ',';
        }
        out.put(']');
    }

    private void value(ByteWriter to, Field field, long value, int pid) {
        switch (field.kind()) {
            case HEX -> to.put('"').hex(value).put('"');
            case SYMBOL -> {
                to.put('"').hex(value).put('"');
                to.put(",\"")
                        .put(field.name())
                        .put("_symbol\":")
                        .put(quoted(names.symbols().name(pid, value)));
                SourceLine line = names.symbols().line(pid, value);
                if (line != null) {
                    to.put(",\"").put(field.name()).put("_line\":").put(quoted(line));
                }
            }
            case STRING -> to.put(text(value));
            case BOOL -> to.put(value != 0 ? "true" : "false");
            case DEC, NS -> to.dec(value);
        }
    }

    private byte[] text(long number) {
        int at = (int) number;
        if (at >= quoted.length) {
            quoted = java.util.Arrays.copyOf(quoted, Math.max(2 * quoted.length, at + 1));
        }
        if (quoted[at] == null) {
            quoted[at] = quote(names.strings().text(number));
        }
        return quoted[at];
    }

    /** The quoted form of a symbol or line: the same few objects come again and again. */
    private byte[] quoted(Object place) {
        int slot = place.hashCode() & PLACES - 1;
        if (places[slot] != place) {
            places[slot] = place;
            quotedPlaces[slot] = quote(place.toString());
        }
        return quotedPlaces[slot];
    }

    private static byte[] quote(String text) {
        var bytes = new java.io.ByteArrayOutputStream();
        var line = new ByteWriter(bytes).quoted(text);
        try {
            line.flush();
        } catch (IOException e) {
            throw new IllegalStateException("memory cannot fail to be written", e);
        }
        return bytes.toByteArray();
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
