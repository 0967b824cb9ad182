package faultline.plugins.filter;

import faultline.plugins.event.StringTable;
import faultline.plugins.weave.Glob;
import java.util.List;

/** What compiled filters call, since it is no work for hand-written bytecode. */
public final class FilterRuntime {
    private final StringTable strings;
    private final List<Glob> patterns;

    FilterRuntime(StringTable strings, List<Glob> patterns) {
        this.strings = strings;
        this.patterns = patterns;
    }

    /** Whether the text of that number matches the pattern of that index. */
    public boolean matches(long text, int pattern) {
        return patterns.get(pattern).matches(strings.text(text));
    }

    /** Division as filters define it: by zero gives 0. */
    public static long divide(long a, long b) {
        return b == 0 ? 0 : a / b;
    }

    /** Remainder as filters define it: by zero gives 0. */
    public static long remainder(long a, long b) {
        return b == 0 ? 0 : a % b;
    }
}
