package faultline.plugins.report;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
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
     * @return whether all lines were whole: of a trace that was cut off, the last may not be
     * @throws IOException when the file cannot be read, holds no event, or a line is none; the message names the line
     */
    static boolean read(Path trace, Consumer<Map<String, Object>> consumer) throws IOException {
        // bytes that are no text are a line's trouble, and not the reader's
        var text = new InputStreamReader(Files.newInputStream(trace), StandardCharsets.UTF_8);
        try (var lines = new BufferedReader(text)) {
            int number = 0;
            String next = lines.readLine();
            for (String line = next; line != null; line = next) {
                number++;
                next = lines.readLine();
                Map<String, Object> event = event(line);
                if (event != null) {
                    consumer.accept(event);
                } else if (next == null && number > 1 && line.startsWith("{") && !line.endsWith("}")) {
                    return false;
                } else {
                    throw new IOException(
                            trace + " line " + number + " is no event: make the trace with --format jsonl");
                }
            }
            if (number == 0) {
                throw new IOException(trace + " holds no event");
            }
        }
        return true;
    }

    /** The event of a line, or null. */
    private static Map<String, Object> event(String line) {
        try {
            Map<String, Object> event = JSON.std.mapFrom(line);
            return event.get("event") instanceof String && event.get("time") instanceof Number ? event : null;
        } catch (IOException | ClassCastException e) {
            return null;
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
