package faultline.plugins.output;

import faultline.plugins.event.EventType;
import faultline.plugins.event.Events;
import faultline.plugins.event.Field;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import jdk.jfr.AnnotationElement;
import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.EventFactory;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Recording;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;
import jdk.jfr.ValueDescriptor;

/**
 * Flight Recorder events, one event type a type of ours, dumped to a file at the end: {@code jfr print}.
 *
 * <p>The recorder stamps an event when it is committed, which the writer thread does somewhat later than it happened:
 * the guest's own time is in field {@code at}. Addresses are text, as everywhere.
 */
final class JfrSink implements EventSink {
    private final Path file;
    private final Names names;
    private final Recording recording = new Recording();
    private final EventFactory[] factories = new EventFactory[Events.ALL.size()];

    JfrSink(Path file, Names names) {
        this.file = file;
        this.names = names;
        recording.setName("faultline");
        for (EventType type : Events.ALL) {
            factories[type.id()] = factory(type);
            recording.enable(jfrName(type));
        }
        recording.start();
    }

    private static String jfrName(EventType type) {
        return "faultline." + type.name().replace(':', '.').replaceFirst("^faultline\\.", "");
    }

    private static EventFactory factory(EventType type) {
        var fields = new ArrayList<ValueDescriptor>();
        fields.add(nanos("at"));
        fields.add(new ValueDescriptor(int.class, "pid"));
        fields.add(new ValueDescriptor(int.class, "tid"));
        fields.add(new ValueDescriptor(String.class, "comm"));
        fields.add(nanos("cost"));
        for (Field field : type.printedFields()) {
            fields.add(
                    switch (field.kind()) {
                        case NS -> nanos(field.name());
                        case DEC, BOOL -> new ValueDescriptor(long.class, field.name());
                        case HEX, SYMBOL, STRING -> new ValueDescriptor(String.class, field.name());
                    });
        }
        return EventFactory.create(
                List.of(
                        new AnnotationElement(Name.class, jfrName(type)),
                        new AnnotationElement(Label.class, type.name()),
                        new AnnotationElement(Category.class, new String[] {"Faultline", type.category()}),
                        new AnnotationElement(StackTrace.class, false)),
                fields);
    }

    private static ValueDescriptor nanos(String name) {
        return new ValueDescriptor(
                long.class, name, List.of(new AnnotationElement(Timespan.class, Timespan.NANOSECONDS)));
    }

    @Override
    public void event(EventType type, long[] records, int base) {
        Event event = factories[type.id()].newEvent();
        int pid = (int) (records[base + EventType.TASK] >>> 32);
        int at = 0;
        event.set(at++, records[base + EventType.TIME]);
        event.set(at++, pid);
        event.set(at++, (int) records[base + EventType.TASK]);
        event.set(at++, names.strings().text(records[base + EventType.COMM]));
        event.set(at++, records[base + EventType.COST]);
        for (Field field : type.printedFields()) {
            long value = field.get(records, base);
            event.set(
                    at++,
                    switch (field.kind()) {
                        case NS, DEC, BOOL -> (Object) value;
                        case HEX -> "0x" + Long.toHexString(value);
                        case SYMBOL -> names.symbols().place(pid, value);
                        case STRING -> names.strings().text(value);
                    });
        }
        event.commit();
    }

    @Override
    public void close() throws IOException {
        recording.stop();
        recording.dump(file);
        recording.close();
        for (EventFactory factory : factories) {
            factory.unregister();
        }
    }
}
