package faultline.plugins.output;

import faultline.plugins.event.EventType;
import faultline.plugins.event.Events;
import faultline.plugins.event.Field;
import java.io.IOException;
import java.io.OutputStream;
import java.util.HashSet;
import java.util.Set;

/**
 * A Perfetto trace of track events: a track a task with its faults, steps and system calls as nested slices, a track a
 * lock class with the waits on it, a counter of faults a process. Opens in ui.perfetto.dev.
 *
 * <p>Packets are written as events end. The reader sorts by time, and begins of one task never carry the same time, so
 * that a slice's parent is sure to begin before it.
 */
final class PerfettoSink implements EventSink {
    // perfetto.protos.TracePacket
    private static final int PACKET = 1;
    private static final int TIMESTAMP = 8;
    private static final int SEQUENCE = 10;
    private static final int TRACK_EVENT = 11;
    private static final int TRACK_DESCRIPTOR = 60;
    // TrackEvent
    private static final int ANNOTATION = 4;
    private static final int TYPE = 9;
    private static final int TRACK = 11;
    private static final int CATEGORY = 22;
    private static final int NAME = 23;
    private static final int COUNTER_VALUE = 30;
    private static final int BEGIN = 1;
    private static final int END = 2;
    private static final int INSTANT = 3;
    private static final int COUNTER = 4;

    /** Track numbers: process, thread, counter and lock tracks lie apart. */
    private static final long PROCESS_TRACK = 1L << 40;

    private static final long COUNTER_TRACK = 2L << 40;
    private static final long LOCK_TRACK = 3L << 40;
    /** Not the thread id alone: it is 0 while the machine is set up, and track 0 is the reader's own. */
    private static final long THREAD_TRACK = 4L << 40;

    private final OutputStream out;
    private final Names names;
    private final Set<Long> described = new HashSet<>();
    private final java.util.Map<Integer, Long> faults = new java.util.HashMap<>();
    private final ProtoWriter trace = new ProtoWriter();

    PerfettoSink(OutputStream out, Names names) {
        this.out = out;
        this.names = names;
    }

    @Override
    public void event(EventType type, long[] records, int base) throws IOException {
        int tid = (int) records[base + EventType.TASK];
        int pid = (int) (records[base + EventType.TASK] >>> 32);
        String comm = names.strings().text(records[base + EventType.COMM]);
        long time = records[base + EventType.TIME];
        long cost = records[base + EventType.COST];
        long track = type.category().equals("lock") ? lockTrack(type, records, base) : threadTrack(pid, tid, comm);
        var slice = event(cost > 0 ? BEGIN : INSTANT, track).text(CATEGORY, type.category());
        slice.text(NAME, sliceName(type, records, base));
        for (Field field : type.printedFields()) {
            annotate(slice, field, field.get(records, base), pid);
        }
        packet(time - cost, slice);
        if (cost > 0) {
            packet(time, event(END, track));
        }
        if (type == Events.FAULT_USER || type == Events.FAULT_KERNEL) {
            long count = faults.merge(pid, 1L, Long::sum);
            packet(time, event(COUNTER, counterTrack(pid, comm)).number(COUNTER_VALUE, count));
        }
        if (trace.length() > 1 << 16) {
            flush();
        }
    }

    private String sliceName(EventType type, long[] records, int base) {
        for (String telling : new String[] {"step", "syscall", "op", "path"}) {
            Field field = type.fields().get(telling);
            if (field != null) {
                String text = names.text(field, records, base);
                return telling.equals("path") ? "page_fault " + text : text;
            }
        }
        return type.name();
    }

    private void annotate(ProtoWriter slice, Field field, long value, int pid) {
        // DebugAnnotation: name 10, int 4, string 6, pointer 7
        var note = new ProtoWriter().text(10, field.name());
        switch (field.kind()) {
            case HEX -> note.number(7, value);
            case SYMBOL -> note.text(6, names.symbols().place(pid, value));
            case STRING -> note.text(6, names.strings().text(value));
            case DEC, NS, BOOL -> note.number(4, value);
        }
        slice.message(ANNOTATION, note);
    }

    private static ProtoWriter event(int type, long track) {
        return new ProtoWriter().number(TYPE, type).number(TRACK, track);
    }

    private void packet(long time, ProtoWriter event) {
        trace.message(
                PACKET,
                new ProtoWriter()
                        .number(TIMESTAMP, time)
                        .message(TRACK_EVENT, event)
                        .number(SEQUENCE, 1));
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
