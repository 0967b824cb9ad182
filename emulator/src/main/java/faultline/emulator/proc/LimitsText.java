package faultline.emulator.proc;

import faultline.emulator.task.Rlimits;

/** /proc/PID/limits. */
final class LimitsText {
    private static final String[] NAMES = {
        "Max cpu time",
        "Max file size",
        "Max data size",
        "Max stack size",
        "Max core file size",
        "Max resident set",
        "Max processes",
        "Max open files",
        "Max locked memory",
        "Max address space",
        "Max file locks",
        "Max pending signals",
        "Max msgqueue size",
        "Max nice priority",
        "Max realtime priority",
        "Max realtime timeout"
    };
    private static final String[] UNITS = {
        "seconds",
        "bytes",
        "bytes",
        "bytes",
        "bytes",
        "bytes",
        "processes",
        "files",
        "bytes",
        "bytes",
        "locks",
        "signals",
        "bytes",
        "",
        "",
        "us"
    };

    private LimitsText() {}

    static String of(Rlimits limits) {
        StringBuilder out = new StringBuilder(1400);
        out.append(String.format("%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units"));
        for (int i = 0; i < NAMES.length; i++) {
            out.append(String.format("%-25s %-20s %-20s ", NAMES[i], value(limits.soft(i)), value(limits.hard(i))));
            out.append(UNITS[i].isEmpty() ? "\n" : String.format("%-10s\n", UNITS[i]));
        }
        return out.toString();
    }

    private static String value(long limit) {
        return limit == Rlimits.INFINITY ? "unlimited" : Long.toUnsignedString(limit);
    }
}
