package faultline.plugins.output;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What to add up over the events of a trace: {@code count()}, {@code sum(ns)} or {@code hist(ns)}, grouped with {@code
 * by(comm, symbol)} or {@code stack()}. For instance {@code hist(ns) by(path)}.
 *
 * @param kind what is kept for each group
 * @param field the number that is added up; null for counts
 * @param keys what events are grouped by: field names, {@code event}, {@code symbol} (function of {@code ip}), {@code
 *     line} (its source line), {@code stack}
 */
public record Aggregation(Kind kind, String field, List<String> keys) {
    /** What is kept for each group of events. */
    public enum Kind {
        COUNT,
        SUM,
        HIST
    }

    private static final Pattern CALL = Pattern.compile("\\s*([a-z]+)\\s*\\(([^()]*)\\)\\s*");

    /**
     * Reads an aggregation.
     *
     * @throws IllegalArgumentException with the column of what is not understood
     */
    public static Aggregation parse(String text) {
        Kind kind = Kind.COUNT;
        String field = null;
        var keys = new ArrayList<String>();
        Matcher call = CALL.matcher(text);
        int at = 0;
        while (at < text.length()) {
            if (!call.find(at) || call.start() != at) {
                throw new IllegalArgumentException(
                        "count(), sum(FIELD), hist(FIELD), by(FIELD, …) or stack() expected at column " + (at + 1));
            }
            String argument = call.group(2).trim();
            switch (call.group(1)) {
                case "count" -> kind = Kind.COUNT;
                case "sum", "hist" -> {
                    kind = Kind.valueOf(call.group(1).toUpperCase(java.util.Locale.ROOT));
                    field = argument.isEmpty() ? "ns" : argument;
                }
                case "by" -> keys.addAll(List.of(argument.split("\\s*,\\s*")));
                case "stack" -> keys.add("stack");
                default ->
                    throw new IllegalArgumentException(
                            "there is no " + call.group(1) + "() at column " + (call.start(1) + 1));
            }
            at = call.end();
        }
        return new Aggregation(kind, field, List.copyOf(keys));
    }
}
