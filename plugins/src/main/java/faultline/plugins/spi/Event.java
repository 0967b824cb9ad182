package faultline.plugins.spi;

import faultline.plugins.event.EventType;
import java.util.Set;

/** An event with its fields by name; the names are those of the trace formats and of filters. Immutable. */
public interface Event {
    /** The kind: one of {@code faultline.plugins.event.Events}. */
    EventType type();

    /** Nanoseconds since the run began, at the event's end. */
    long time();

    /** A number, address or condition (0 or 1). @throws IllegalArgumentException when the event has no such field */
    long number(String field);

    /**
     * A text; addresses of code come with their symbol. @throws IllegalArgumentException when there is no such field
     */
    String text(String field);

    /** Names of all fields. */
    default Set<String> fields() {
        return type().fields().keySet();
    }
}
