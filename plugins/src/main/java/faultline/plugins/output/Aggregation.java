package faultline.plugins.output;

import faultline.plugins.event.EventType;
import faultline.plugins.event.Field;
import faultline.plugins.words.Caret;
import faultline.plugins.words.Suggestion;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
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

    private static final List<String> CALLS = List.of("count", "sum", "hist", "by", "stack");
    private static final Pattern CALL = Pattern.compile("\\s*([a-z]+)\\s*\\(([^()]*)\\)\\s*");
    private static final Pattern WORD = Pattern.compile("[^,\\s][^,]*(?<!\\s)");

    /**
     * Reads an aggregation.
     *
     * @param types the events that it is of: some of them must have the fields that it names
     * @throws IllegalArgumentException that points at what is not understood
     */
    public static Aggregation parse(String text, Collection<EventType> types) {
        return new Reader(text, types).read();
    }

    /** Whether groups are told apart by the guest's call stack. */
    public boolean needsStacks() {
        return keys.contains("stack");
    }

    /** One pass over a text. */
    private static final class Reader {
        private final String text;
        private final Set<String> numbers = new LinkedHashSet<>();
        private final Set<String> groups = new LinkedHashSet<>(List.of("event", "stack"));
        private Kind kind;
        private String field;
        private final List<String> keys = new ArrayList<>();

        Reader(String text, Collection<EventType> types) {
            this.text = text;
            for (EventType type : types) {
                for (Field each : type.fields().values()) {
                    groups.add(each.name());
                    if (!each.kind().isText()) {
                        numbers.add(each.name());
                    }
                    if (each.name().equals("ip")) {
                        groups.addAll(List.of("symbol", "line"));
                    }
                }
            }
        }

        Aggregation read() {
            Matcher call = CALL.matcher(text);
            int at = 0;
            while (at < text.length()) {
                if (!call.find(at) || call.start() != at) {
                    throw error("count(), sum(FIELD), hist(FIELD), by(FIELD, …) or stack() expected", at);
                }
                switch (call.group(1)) {
                    case "count", "sum", "hist" -> kind(call);
                    case "by" -> keys(call);
                    case "stack" -> keys.add("stack");
                    default ->
                        throw error(
                                "there is no " + call.group(1) + "()" + Suggestion.of(call.group(1), CALLS),
                                call.start(1));
                }
                at = call.end();
            }
            return new Aggregation(kind == null ? Kind.COUNT : kind, field, List.copyOf(keys));
        }

        private void kind(Matcher call) {
            if (kind != null) {
                throw error("only one of count(), sum() and hist() at a time", call.start(1));
            }
            kind = Kind.valueOf(call.group(1).toUpperCase(Locale.ROOT));
            Matcher word = words(call);
            boolean given = word.find();
            if (kind == Kind.COUNT) {
                if (given) {
                    throw error("count() counts events and takes no field", word.start());
                }
                return;
            }
            field = given ? known(word, numbers, "field with a number") : "ns";
        }

        private void keys(Matcher call) {
            Matcher word = words(call);
            if (!word.find()) {
                throw error("by() needs a field", call.end(1) + 1);
            }
            do {
                keys.add(known(word, groups, "field"));
            } while (word.find());
        }

        private Matcher words(Matcher call) {
            return WORD.matcher(text).region(call.start(2), call.end(2));
        }

        private String known(Matcher word, Set<String> names, String what) {
            String name = word.group();
            if (!names.contains(name)) {
                throw error("there is no " + what + " '" + name + "'" + Suggestion.among(name, names), word.start());
            }
            return name;
        }

        private IllegalArgumentException error(String problem, int at) {
            return new IllegalArgumentException(Caret.at(problem, text, at + 1));
        }
    }
}
