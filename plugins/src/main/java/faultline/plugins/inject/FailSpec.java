package faultline.plugins.inject;

import faultline.plugins.weave.Glob;
import java.util.Set;

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

    /**
     * Names that a spec may speak of.
     *
     * @param points ids of injection points, system calls as {@code sys/NAME}
     * @param syscalls names of system calls, and {@code "none"}
     * @param functions names of kernel functions
     */
    public record Vocabulary(Set<String> points, Set<String> syscalls, Set<String> functions) {}

    /**
     * Reads {@code POINTS[:knob=value[,knob=value…]]}.
     *
     * @throws IllegalArgumentException with a message that says what is wrong and points at it
     */
    public static FailSpec parse(String text) {
        return new FailSpecParser(text, null).parse();
    }

    /** As {@link #parse(String)}, and what is not among the known names is wrong, too. */
    public static FailSpec parse(String text, Vocabulary known) {
        return new FailSpecParser(text, known).parse();
    }

    /**
     * Whether the spec is about the point: a pattern covers what is below it, too, {@code mm/usercopy} all of those.
     */
    boolean covers(String id) {
        return covers(points, id);
    }

    static boolean covers(Glob points, String id) {
        for (int end = id.length(); end > 0; end = id.lastIndexOf('/', end - 1)) {
            if (points.matches(id.substring(0, end))) {
                return true;
            }
        }
        return false;
    }
}
