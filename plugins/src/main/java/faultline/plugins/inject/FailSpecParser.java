package faultline.plugins.inject;

import faultline.plugins.weave.Glob;
import faultline.plugins.words.Caret;
import faultline.plugins.words.Suggestion;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads {@code POINTS[:knob=value[,knob=value…]]}; what is wrong is told with its column, from 1. */
final class FailSpecParser {
    private static final List<String> KNOBS = List.of(
            "nth",
            "times",
            "probability",
            "interval",
            "space",
            "task",
            "syscall",
            "caller",
            "reject",
            "depth",
            "vma",
            "address",
            "min-order",
            "ignore-gfp-wait",
            "task-filter",
            "errno",
            "verbose");
    private static final int MAX_ERRNO = 4095;

    /** What stands behind a knob's {@code =}, and where. */
    private record Value(String text, int column) {}

    private final String text;
    private final FailSpec.Vocabulary known;
    private final Map<String, Value> knobs = new LinkedHashMap<>();

    /** @param known names that there are, or null to take any */
    FailSpecParser(String text, FailSpec.Vocabulary known) {
        this.text = text;
        this.known = known;
    }

    FailSpec parse() {
        int colon = text.indexOf(':');
        String points = colon < 0 ? text : text.substring(0, colon);
        if (points.isBlank()) {
            throw error("an injection point is missing", 1);
        }
        if (known != null) {
            exist("injection point", points, 1, known.points(), true);
        }
        for (int at = colon + 1; colon >= 0 && at <= text.length(); ) {
            int comma = text.indexOf(',', at);
            int end = comma < 0 ? text.length() : comma;
            knob(text.substring(at, end), at + 1);
            at = end + 1;
        }
        return build(Glob.of(points));
    }

    private IllegalArgumentException error(String problem, int column) {
        return new IllegalArgumentException(Caret.at(problem, text, column));
    }

    private void knob(String knob, int column) {
        int equals = knob.indexOf('=');
        String name = equals < 0 ? knob : knob.substring(0, equals);
        if (!KNOBS.contains(name)) {
            throw error(
                    name.isEmpty()
                            ? "a KNOB=VALUE is missing"
                            : "there is no knob '" + name + "'" + Suggestion.among(name, KNOBS),
                    column);
        }
        if (equals < 0) {
            throw error("'" + name + "' needs a value", column + name.length());
        }
        if (knobs.put(name, new Value(knob.substring(equals + 1), column + equals + 1)) != null) {
            throw error("'" + name + "' is given twice", column);
        }
    }

    /** Each of the patterns must match a name that there is, or with {@code below} something above one. */
    private void exist(String kind, String patterns, int column, Collection<String> names, boolean below) {
        int at = column;
        for (String pattern : patterns.split(",")) {
            Glob glob = Glob.of(pattern);
            if (names.stream().noneMatch(name -> below ? FailSpec.covers(glob, name) : glob.matches(name))) {
                throw error("there is no " + kind + " '" + pattern + "'" + Suggestion.of(pattern, names), at);
            }
            at += pattern.length() + 1;
        }
    }

    private FailSpec build(Glob points) {
        boolean counted = knobs.containsKey("nth");
        long[] address = addresses();
        return new FailSpec(
                points,
                number("nth", 0, 0, Long.MAX_VALUE),
                number("times", counted ? 1 : -1, -1, Long.MAX_VALUE),
                (int) number("probability", 100, 0, 100),
                number("interval", 1, 1, Long.MAX_VALUE),
                number("space", 0, 0, Long.MAX_VALUE),
                glob("task", null, null),
                glob("syscall", "system call", known == null ? null : known.syscalls()),
                glob("caller", "kernel function", known == null ? null : known.functions()),
                glob("reject", "kernel function", known == null ? null : known.functions()),
                (int) number("depth", KernelStack.MAX_DEPTH, 0, KernelStack.MAX_DEPTH),
                glob("vma", null, null),
                address[0],
                address[1],
                (int) number("min-order", 0, 0, Integer.MAX_VALUE),
                flag("ignore-gfp-wait"),
                flag("task-filter"),
                errno(),
                (int) number("verbose", 2, 0, 2));
    }

    private Glob glob(String knob, String kind, Collection<String> names) {
        Value value = knobs.get(knob);
        if (value == null) {
            return null;
        }
        if (value.text.isEmpty()) {
            throw error("'" + knob + "' needs a pattern", value.column);
        }
        if (names != null) {
            exist(kind, value.text, value.column, names, false);
        }
        return Glob.of(value.text);
    }

    /** As Linux reads such files: Y or 1, N or 0. */
    private boolean flag(String knob) {
        Value value = knobs.get(knob);
        return switch (value == null ? "N" : value.text) {
            case "Y", "y", "1" -> true;
            case "N", "n", "0" -> false;
            default -> throw error("'" + knob + "' takes Y or N, not '" + value.text + "'", value.column);
        };
    }

    private long number(String knob, long otherwise, long least, long most) {
        Value value = knobs.get(knob);
        if (value == null) {
            return otherwise;
        }
        long number = decode(knob, value.text, value.column);
        if (number < least || number > most) {
            throw error(
                    "'" + knob + "' is " + (number < least ? "at least " + least : "at most " + most) + ", not "
                            + value.text,
                    value.column);
        }
        return number;
    }

    private long decode(String knob, String number, int column) {
        try {
            return number.startsWith("0x") ? Long.parseUnsignedLong(number.substring(2), 16) : Long.parseLong(number);
        } catch (NumberFormatException e) {
            throw error("'" + knob + "' takes a number, not '" + number + "'", column);
        }
    }

    /** The first and the last address concerned. */
    private long[] addresses() {
        Value value = knobs.get("address");
        if (value == null) {
            return new long[] {0, -1};
        }
        int dots = value.text.indexOf("..");
        if (dots < 0) {
            throw error("'address' takes LOW..HIGH, not '" + value.text + "'", value.column);
        }
        long low = decode("address", value.text.substring(0, dots), value.column);
        int highColumn = value.column + dots + 2;
        long high = decode("address", value.text.substring(dots + 2), highColumn);
        if (Long.compareUnsigned(low, high) >= 0) {
            throw error("the range of 'address' is empty", highColumn);
        }
        return new long[] {low, high - 1};
    }

    private long errno() {
        Value value = knobs.get("errno");
        if (value == null) {
            return FailSpec.POINTS_OWN;
        }
        Integer named = ErrnoNames.number(value.text);
        if (named == null && !value.text.isEmpty() && Character.isLetter(value.text.charAt(0))) {
            throw error(
                    "there is no error '" + value.text + "'" + Suggestion.of(value.text, ErrnoNames.all()),
                    value.column);
        }
        return -(named != null ? named : number("errno", 0, 1, MAX_ERRNO));
    }
}
