package faultline.plugins.inject;

import faultline.plugins.weave.Glob;
import java.util.Map;
import java.util.TreeMap;

/**
 * One {@code --fail} option: which points, when, for whom.
 *
 * @param points pattern over ids of injection points
 * @param nth which hit is the first to fail, from 1; 0 for any
 * @param times how many failures at most; -1 for no limit
 * @param probability per cent of the hits that fail
 * @param interval only every so many hits fail
 * @param space bytes that may be allocated before anything fails
 * @param task command name pattern or task id; null for any
 * @param syscall pattern over the name of the system call under way; null for any
 * @param caller pattern over kernel functions, one of which must be among the callers; null for any
 * @param reject pattern over kernel functions, none of which may be among the callers; null for none
 * @param depth how many callers are looked at; 0 for none, so that {@code caller} is never met
 * @param vma pattern over the name of the mapping that the address lies in; null for any
 * @param addressFrom first address concerned, unsigned
 * @param addressTo last address concerned, unsigned
 * @param minOrder smallest allocation order that may fail
 * @param ignoreGfpWait whether allocations that may wait for memory are left alone
 * @param taskFilter whether only tasks whose make-it-fail is set are concerned
 * @param error what the call returns instead; {@link #POINTS_OWN} for the point's own error
 * @param verbose what is reported of a failure: 0 nothing, 1 a line, 2 the stacks as well
 */
public record FailSpec(
        Glob points,
        long nth,
        long times,
        int probability,
        long interval,
        long space,
        Glob task,
        Glob syscall,
        Glob caller,
        Glob reject,
        int depth,
        Glob vma,
        long addressFrom,
        long addressTo,
        int minOrder,
        boolean ignoreGfpWait,
        boolean taskFilter,
        long error,
        int verbose) {

    /** The error that the point declares. */
    public static final long POINTS_OWN = Long.MIN_VALUE;

    private static final String KNOBS =
            "nth, times, probability, interval, space, task, syscall, caller, reject, depth, vma, address, "
                    + "min-order, ignore-gfp-wait, task-filter, errno, verbose";

    /**
     * Reads {@code POINTS[:knob=value[,knob=value…]]}.
     *
     * @throws IllegalArgumentException with a message that says what is wrong
     */
    public static FailSpec parse(String text) {
        int colon = text.indexOf(':');
        String points = colon < 0 ? text : text.substring(0, colon);
        if (points.isEmpty()) {
            throw new IllegalArgumentException("'" + text + "' names no injection point");
        }
        Map<String, String> knobs = new TreeMap<>();
        if (colon >= 0) {
            for (String knob : text.substring(colon + 1).split(",")) {
                int equals = knob.indexOf('=');
                if (equals <= 0 || knobs.put(knob.substring(0, equals), knob.substring(equals + 1)) != null) {
                    throw new IllegalArgumentException(
                            "'" + knob + "' is not a knob=value, or given twice; knobs: " + KNOBS);
                }
            }
        }
        FailSpec spec = build(Glob.of(points), knobs);
        if (!knobs.isEmpty()) {
            throw new IllegalArgumentException(
                    "unknown knob '" + knobs.keySet().iterator().next() + "'; knobs: " + KNOBS);
        }
        return spec;
    }

    private static FailSpec build(Glob points, Map<String, String> knobs) {
        boolean counted = knobs.containsKey("nth");
        String range = knobs.remove("address");
        String[] bounds = range == null ? new String[] {"0", "-1"} : range.split("\\.\\.", 2);
        if (bounds.length != 2) {
            throw new IllegalArgumentException("address takes LOW..HIGH, not '" + range + "'");
        }
        return new FailSpec(
                points,
                number(knobs, "nth", 0, 0),
                number(knobs, "times", counted ? 1 : -1, -1),
                (int) Math.min(100, number(knobs, "probability", 100, 0)),
                number(knobs, "interval", 1, 1),
                number(knobs, "space", 0, 0),
                glob(knobs, "task"),
                glob(knobs, "syscall"),
                glob(knobs, "caller"),
                glob(knobs, "reject"),
                (int) number(knobs, "depth", KernelStack.MAX_DEPTH, 0),
                glob(knobs, "vma"),
                decode("address", bounds[0]),
                decode("address", bounds[1]) - (range == null ? 0 : 1),
                (int) number(knobs, "min-order", 0, 0),
                flag(knobs, "ignore-gfp-wait"),
                flag(knobs, "task-filter"),
                error(knobs.remove("errno")),
                (int) number(knobs, "verbose", 2, 0));
    }

    private static Glob glob(Map<String, String> knobs, String key) {
        String value = knobs.remove(key);
        return value == null ? null : Glob.of(value);
    }

    /** As Linux reads such files: Y or 1, N or 0. */
    private static boolean flag(Map<String, String> knobs, String key) {
        String value = knobs.remove(key);
        return switch (value == null ? "N" : value) {
            case "Y", "y", "1" -> true;
            case "N", "n", "0" -> false;
            default -> throw new IllegalArgumentException(key + " takes Y or N, not '" + value + "'");
        };
    }

    private static long number(Map<String, String> knobs, String key, long otherwise, long least) {
        String value = knobs.remove(key);
        if (value == null) {
            return otherwise;
        }
        long number = decode(key, value);
        if (number < least) {
            throw new IllegalArgumentException(key + " must be at least " + least + ", not " + value);
        }
        return number;
    }

    private static long decode(String key, String value) {
        try {
            return value.startsWith("0x") ? Long.parseUnsignedLong(value.substring(2), 16) : Long.parseLong(value);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(key + " takes a number, not '" + value + "'", e);
        }
    }

    private static long error(String value) {
        if (value == null) {
            return POINTS_OWN;
        }
        Integer number = ErrnoNames.number(value);
        return -(number != null ? number : decode("errno", value));
    }
}
