package faultline.plugins.report;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Consumer;

/** Reads a trace of JSON lines. */
final class TraceReader {
    private TraceReader() {}

    /**
     * Hands over each event.
     *
     * @throws IOException when the file cannot be read, or a line is no JSON object; the message names the line
     */
    static void read(Path trace, Consumer<Map<String, Object>> consumer) throws IOException {
        try (BufferedReader lines = Files.newBufferedReader(trace, StandardCharsets.UTF_8)) {
            int number = 0;
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                number++;
                if (line.isBlank()) {
                    continue;
                }
                Map<String, Object> event;
                try {
                    event = JSON.std.mapFrom(line);
                } catch (IOException e) {
                    throw new IOException(
                            trace + " line " + number + " is no event: make the trace with --format=jsonl", e);
                }
                if (!(event.get("event") instanceof String) || !(event.get("time") instanceof Number)) {
                    throw new IOException(
                            trace + " line " + number + " is no event: make the trace with --format=jsonl");
                }
                consumer.accept(event);
            }
        }
    }

    /** A number field; 0 when the event has none. */
    static long number(Map<String, Object> event, String field) {
        return switch (event.get(field)) {
            case null -> 0;
            case Number number -> number.longValue();
            case String text when text.startsWith("0x") -> Long.parseUnsignedLong(text.substring(2), 16);
            default -> 0;
        };
    }

    /** A text field; empty when the event has none. */
    static String text(Map<String, Object> event, String field) {
        return event.get(field) instanceof String text ? text : "";
    }
}
