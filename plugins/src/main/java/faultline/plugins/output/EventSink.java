package faultline.plugins.output;

import faultline.plugins.event.EventType;
import java.io.IOException;

/** Takes events; see the package. */
public interface EventSink extends AutoCloseable {
    /**
     * One event.
     *
     * @param records the array that holds the record, valid during the call only
     * @param base index of the record's first word
     */
    void event(EventType type, long[] records, int base) throws IOException;

    /** Passes on what is buffered, so that a reader sees all events so far. */
    default void flush() throws IOException {}

    /** Writes what comes at the end. The stream below is closed by whoever opened it. */
    @Override
    void close() throws IOException;
}
