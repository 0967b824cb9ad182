package faultline.plugins.spi;

import faultline.plugins.event.EventType;
import faultline.plugins.event.Events;
import faultline.plugins.event.Field;
import faultline.plugins.event.FieldKind;
import faultline.plugins.output.Names;

/** An event over a copy of its record. */
record RecordEvent(EventType type, long[] record, Names names) implements Event {
    static RecordEvent of(long[] record, Names names) {
        return new RecordEvent(Events.ALL.get((int) record[EventType.TYPE]), record.clone(), names);
    }

    @Override
    public long time() {
        return record[EventType.TIME];
    }

    @Override
    public long number(String field) {
        return type.field(field).get(record, 0);
    }

    @Override
    public String text(String field) {
        Field known = type.field(field);
        long value = known.get(record, 0);
        if (known.kind() == FieldKind.SYMBOL) {
            return names.symbols().place((int) number("pid"), value);
        }
        return known.kind() == FieldKind.STRING
                ? names.strings().text(value)
                : known.kind() == FieldKind.HEX ? "0x" + Long.toHexString(value) : Long.toString(value);
    }
}
