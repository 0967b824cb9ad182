package faultline.plugins.output;

import faultline.plugins.event.EventType;
import faultline.plugins.event.Events;
import faultline.plugins.event.Field;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * A Perfetto trace of track events: a track a task with its faults, steps and system calls as nested slices, a track a
 * lock class with the waits on it, a counter of faults a process. Opens in ui.perfetto.dev.
 *
 * <p>Packets are written as events end. The reader sorts by time, and begins of one task never carry the same time, so
 * that a slice's parent is sure to begin before it. Texts are interned, and the messages under construction reused: the
 * writer thread is to keep up with a guest that does little but fault.
 */
final class PerfettoSink implements EventSink {
    // perfetto.protos.TracePacket
    private static final int PACKET = 1;
    private static final int TIMESTAMP = 8;
    private static final int SEQUENCE = 10;
    private static final int TRACK_EVENT = 11;
    private static final int INTERNED = 12;
    private static final int FLAGS = 13;
    private static final int TRACK_DESCRIPTOR = 60;
    // TrackEvent
    private static final int CATEGORY = 3;
    private static final int ANNOTATION = 4;
    private static final int TYPE = 9;
    private static final int NAME = 10;
    private static final int TRACK = 11;
    private static final int COUNTER_VALUE = 30;
    private static final int BEGIN = 1;
    private static final int END = 2;
    private static final int INSTANT = 3;
    private static final int COUNTER = 4;
    // DebugAnnotation
    private static final int ANNOTATION_NAME = 1;
    private static final int NUMBER = 4;
    private static final int POINTER = 7;
    private static final int TEXT = 17;
    // sequence flags
    private static final int STATE_CLEARED = 1;
    private static final int NEEDS_STATE = 2;

    /** What an event is called by, the first that it has. */
    private static final List<String> TELLING = List.of("step", "syscall", "op", "path");

    /** Track numbers: process, thread, counter and lock tracks lie apart. */
    private static final long PROCESS_TRACK = 1L << 40;

    private static final long COUNTER_TRACK = 2L << 40;
    private static final long LOCK_TRACK = 3L << 40;
    /** Not the thread id alone: it is 0 while the machine is set up, and track 0 is the reader's own. */
    private static final long THREAD_TRACK = 4L << 40;

    private final OutputStream out;
    private final Names names;
    private final Set<Long> described = new HashSet<>();
    private final Map<Integer, long[]> faults = new HashMap<>();
    private final PerfettoTexts categories = new PerfettoTexts(PerfettoTexts.CATEGORIES, this::intern);
    private final PerfettoTexts eventNames = new PerfettoTexts(PerfettoTexts.EVENT_NAMES, this::intern);
    private final PerfettoTexts annotationNames = new PerfettoTexts(PerfettoTexts.ANNOTATION_NAMES, this::intern);
    private final PerfettoTexts values = new PerfettoTexts(PerfettoTexts.VALUES, this::intern);
    private final Map<String, String> faultNames = new HashMap<>();
    private final Layout[] layouts;
    private final ProtoWriter trace = new ProtoWriter();
    // under construction, and used again and again
    private final ProtoWriter packet = new ProtoWriter();
    private final ProtoWriter event = new ProtoWriter();
    private final ProtoWriter note = new ProtoWriter();

    PerfettoSink(OutputStream out, Names names) {
        this.out = out;
        this.names = names;
        trace.message(PACKET, packet.number(SEQUENCE, 1).number(FLAGS, STATE_CLEARED | NEEDS_STATE));
        layouts = Events.ALL.stream().map(Layout::new).toArray(Layout[]::new);
    }

    /** What is the same for all events of a type. */
    private final class Layout {
        final int category;
        final int name;
        /** The field that says what to call an event, or null when it is called by its type. */
        final Field telling;

        final Field[] fields;
        final int[] keys;

        Layout(EventType type) {
            category = categories.number(type.category());
            name = eventNames.number(type.name());
            telling = TELLING.stream()
                    .map(type.fields()::get)
                    .filter(Objects::nonNull)
                    .findFirst()
                    .orElse(null);
            fields = type.printedFields().toArray(Field[]::new);
            keys = Arrays.stream(fields)
                    .mapToInt(field -> annotationNames.number(field.name()))
                    .toArray();
        }
    }

    @Override
    public void event(EventType type, long[] records, int base) throws IOException {
        int tid = (int) records[base + EventType.TASK];
        int pid = (int) (records[base + EventType.TASK] >>> 32);
        String comm = names.strings().text(records[base + EventType.COMM]);
        long time = records[base + EventType.TIME];
        long cost = records[base + EventType.COST];
        Layout layout = layouts[type.id()];
        long track = type.category().equals("lock") ? lockTrack(type, records, base) : threadTrack(pid, tid, comm);
        begin(cost > 0 ? BEGIN : INSTANT, track)
                .number(CATEGORY, layout.category)
                .number(NAME, sliceName(layout, records, base));
        for (int i = 0; i < layout.fields.length; i++) {
            annotate(layout.keys[i], layout.fields[i], layout.fields[i].get(records, base), pid);
        }
        end(time - cost);
        if (cost > 0) {
            begin(END, track);
            end(time);
        }
        if (type == Events.FAULT_USER || type == Events.FAULT_KERNEL) {
            long count = ++faults.computeIfAbsent(pid, k -> new long[1])[0];
            begin(COUNTER, counterTrack(pid, comm)).number(COUNTER_VALUE, count);
            end(time);
        }
        if (trace.length() > 1 << 16) {
            flush();
        }
    }

    private int sliceName(Layout layout, long[] records, int base) {
        if (layout.telling == null) {
            return layout.name;
        }
        String text = names.text(layout.telling, records, base);
        boolean path = layout.telling.name().equals("path");
        return eventNames.number(path ? faultNames.computeIfAbsent(text, t -> "page_fault " + t) : text);
    }

    private void annotate(int key, Field field, long value, int pid) {
        note.clear().number(ANNOTATION_NAME, key);
        switch (field.kind()) {
            case HEX -> note.number(POINTER, value);
            case SYMBOL -> note.number(TEXT, values.number(names.symbols().place(pid, value)));
            case STRING -> note.number(TEXT, values.number(names.strings().text(value)));
            case DEC, NS, BOOL -> note.number(NUMBER, value);
        }
        event.message(ANNOTATION, note);
    }

    /** Begins an event; {@link #end} writes it. */
    private ProtoWriter begin(int type, long track) {
        return event.clear().number(TYPE, type).number(TRACK, track);
    }

    private void end(long time) {
        packet.clear().number(TIMESTAMP, time).message(TRACK_EVENT, event);
        trace.message(PACKET, packet.number(SEQUENCE, 1).number(FLAGS, NEEDS_STATE));
    }

    private void intern(ProtoWriter interned) {
        packet.clear().message(INTERNED, interned);
        trace.message(PACKET, packet.number(SEQUENCE, 1).number(FLAGS, NEEDS_STATE));
    }

    private void describe(ProtoWriter descriptor) {
        trace.message(
                PACKET, new ProtoWriter().message(TRACK_DESCRIPTOR, descriptor).number(SEQUENCE, 1));
    }

    private long threadTrack(int pid, int tid, String comm) {
        long process = PROCESS_TRACK | pid;
        // TrackDescriptor: uuid 1, name 2, process 3, thread 4, parent 5, counter 8
        if (described.add(process)) {
            describe(new ProtoWriter()
                    .number(1, process)
                    .message(3, new ProtoWriter().number(1, pid).text(6, comm)));
        }
        long track = THREAD_TRACK | tid;
        if (described.add(track)) {
            describe(new ProtoWriter()
                    .number(1, track)
                    .number(5, process)
                    .message(4, new ProtoWriter().number(1, pid).number(2, tid).text(5, comm)));
        }
        return track;
    }

    private long counterTrack(int pid, String comm) {
        long track = COUNTER_TRACK | pid;
        if (described.add(track)) {
            describe(new ProtoWriter()
                    .number(1, track)
                    .text(2, "page faults of " + comm)
                    .number(5, PROCESS_TRACK | pid)
                    .message(8, new ProtoWriter()));
        }
        return track;
    }

    /** Waits of different tasks on one lock overlap and would not nest: a track for each class and task. */
    private long lockTrack(EventType type, long[] records, int base) {
        Field field = type == Events.SPIN_LOCK ? type.field("lock_class") : type.field("mode");
        String lock = (type == Events.SPIN_LOCK ? "" : "mmap lock, ") + names.text(field, records, base);
        int tid = (int) records[base + EventType.TASK];
        long track = LOCK_TRACK | field.get(records, base) << 24 | (long) tid & 0xff_ffff;
        if (described.add(track)) {
            describe(new ProtoWriter().number(1, track).text(2, lock + " by " + tid));
        }
        return track;
    }

    @Override
    public void flush() throws IOException {
        trace.writeTo(out);
        trace.clear();
        out.flush();
    }

    @Override
    public void close() throws IOException {
        flush();
    }
}
