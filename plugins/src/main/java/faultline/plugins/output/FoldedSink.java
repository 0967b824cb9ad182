package faultline.plugins.output;

import faultline.plugins.event.EventType;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.TreeMap;

/** Collapsed stacks, {@code a;b;c count}, as flame-graph scripts read them. Written at the end. */
final class FoldedSink implements EventSink {
    private final OutputStream out;
    private final Names names;
    private final TreeMap<String, Long> counts = new TreeMap<>();

    FoldedSink(OutputStream out, Names names) {
        this.out = out;
        this.names = names;
    }

    @Override
    public void event(EventType type, long[] records, int base) {
        // a semicolon or blank within a name would split it
        String line = String.join(
                ";",
                StackPath.texts(type, records, base, names).stream()
                        .map(frame -> frame.replace(';', ':').replace('\n', ' '))
                        .toList());
        counts.merge(line, 1L, Long::sum);
    }

    @Override
    public void close() throws IOException {
        var text = new StringBuilder();
        counts.forEach(
                (stack, count) -> text.append(stack).append(' ').append(count).append('\n'));
        out.write(text.toString().getBytes(StandardCharsets.UTF_8));
        out.flush();
    }
}
