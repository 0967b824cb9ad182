package faultline.plugins.event;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A kind of event: name, category, and where its fields stand in a record. Immutable. */
public final class EventType {
    /** Longs of one record. */
    public static final int WORDS = 20;

    /** Word of the head that holds the type's id. */
    public static final int TYPE = 0;
    /** Word with nanoseconds since the trace began, at the event's end. */
    public static final int TIME = 1;
    /** Word with task id (low half) and process id (high half). */
    public static final int TASK = 2;
    /** Word with the command name's number. */
    public static final int COMM = 3;
    /** Word with the nanoseconds that the event took; 0 for those without duration. */
    public static final int COST = 4;
    /** Word with the number of the guest's call stack, 0 where none was taken. */
    public static final int STACK = 5;
    /** First word of the type's own fields. */
    public static final int FIRST = 6;

    private final int id;
    private final String category;
    private final String name;
    private final Map<String, Field> fields;

    private EventType(int id, String category, String name, Map<String, Field> fields) {
        this.id = id;
        this.category = category;
        this.name = name;
        this.fields = fields;
    }

    static Builder named(String category, String name) {
        return new Builder(category, name);
    }

    /** Position in {@link Events#ALL}; the first word of its records. */
    public int id() {
        return id;
    }

    /** What {@code -e} selects it by: {@code fault}, {@code mm}, {@code tlb}… */
    public String category() {
        return category;
    }

    /** {@code system:event}, as perf names it. */
    public String name() {
        return name;
    }

    /** All fields by name, the common ones first. */
    public Map<String, Field> fields() {
        return fields;
    }

    /** The field of that name. */
    public Field field(String fieldName) {
        Field field = fields.get(fieldName);
        if (field == null) {
            throw new IllegalArgumentException(name + " has no field " + fieldName);
        }
        return field;
    }

    /** The type's own fields that formats print, in order. */
    public List<Field> printedFields() {
        return fields.values().stream().filter(Field::printed).toList();
    }

    @Override
    public String toString() {
        return name;
    }

    /** Lays fields out one after the other. */
    static final class Builder {
        private final String category;
        private final String name;
        private final List<Field> list = new ArrayList<>();
        private int next = FIRST;

        private Builder(String category, String name) {
            this.category = category;
            this.name = name;
            list.add(new Field("time", FieldKind.NS, TIME, 0, 64, false));
            list.add(new Field("tid", FieldKind.DEC, TASK, 0, 32, false));
            list.add(new Field("pid", FieldKind.DEC, TASK, 32, 32, false));
            list.add(new Field("comm", FieldKind.STRING, COMM, 0, 64, false));
            list.add(new Field("ns", FieldKind.NS, COST, 0, 64, false));
        }

        /** Adds fields of whole words. */
        Builder with(FieldKind kind, String... names) {
            for (String each : names) {
                if (next >= WORDS) {
                    throw new IllegalArgumentException(name + " has more fields than a record holds");
                }
                list.add(new Field(each, kind, next++, 0, 64, true));
            }
            return this;
        }

        /** Adds a one-bit part of the word added last, for filters only. */
        Builder bit(String bitName, int shift) {
            list.add(new Field(bitName, FieldKind.BOOL, next - 1, shift, 1, false));
            return this;
        }

        EventType build(int id) {
            var byName = new LinkedHashMap<String, Field>();
            list.forEach(field -> byName.put(field.name(), field));
            return new EventType(id, category, name, java.util.Collections.unmodifiableMap(byName));
        }
    }
}
