package faultline.plugins.output;

import faultline.plugins.event.EventType;
import java.io.IOException;
import java.util.List;

/** Several sinks as one. */
public record TeeSink(List<EventSink> sinks) implements EventSink {
    @Override
    public void event(EventType type, long[] records, int base) throws IOException {
        for (EventSink sink : sinks) {
            sink.event(type, records, base);
        }
    }

    @Override
    public void flush() throws IOException {
        for (EventSink sink : sinks) {
            sink.flush();
        }
    }

    @Override
    public void close() throws IOException {
        IOException first = null;
        for (EventSink sink : sinks) {
            try {
                sink.close();
            } catch (IOException e) {
                first = first == null ? e : first;
            }
        }
        if (first != null) {
            throw first;
        }
    }
}
