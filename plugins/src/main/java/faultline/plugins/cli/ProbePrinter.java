package faultline.plugins.cli;

import faultline.plugins.guest.GuestView;
import faultline.plugins.weave.ProbeListener;
import faultline.plugins.weave.ProbeSite;
import java.io.PrintStream;
import java.util.List;

/**
 * Prints calls as they happen, indented by depth within the task.
 *
 * <pre>
 *   demo/101 > handle_mm_fault(mm=mm 1, vma=…, address=0x4c2010, faultFlags=0x5, ctx=FaultContext)
 *   demo/101 &lt; handle_mm_fault = 0
 * </pre>
 */
final class ProbePrinter implements ProbeListener {
    private static final int MAX_TEXT = 100;

    private final PrintStream out;
    private final GuestView guest;
    private final ThreadLocal<int[]> depth = ThreadLocal.withInitial(() -> new int[1]);

    ProbePrinter(PrintStream out, GuestView guest) {
        this.out = out;
        this.guest = guest;
    }

    @Override
    public void entry(ProbeSite site, Object receiver, Object[] arguments) {
        var line = head(depth.get()[0]++).append("> ").append(site.name()).append('(');
        List<String> names = site.info().argumentNames();
        for (int i = 0; i < arguments.length; i++) {
            line.append(i == 0 ? "" : ", ").append(names.get(i)).append('=').append(shown(arguments[i]));
        }
        out.println(line.append(')'));
    }

    @Override
    public void exit(ProbeSite site, Object receiver, Object result) {
        var line = head(leave()).append("< ").append(site.name());
        out.println(
                site.info().returnType().equals("void")
                        ? line
                        : line.append(" = ").append(shown(result)));
    }

    @Override
    public void thrown(ProbeSite site, Throwable thrown) {
        out.println(
                head(leave()).append("! ").append(site.name()).append(" threw ").append(thrown));
    }

    private int leave() {
        int[] mine = depth.get();
        // a call that was under way when we attached has no beginning
        mine[0] = Math.max(0, mine[0] - 1);
        return mine[0];
    }

    private StringBuilder head(int indent) {
        int tid = guest.tid();
        var line = new StringBuilder(tid == GuestView.NO_TASK ? "-" : guest.comm() + "/" + tid);
        return line.append(' ').append("  ".repeat(Math.min(indent, 20)));
    }

    private static String shown(Object value) {
        return switch (value) {
            case null -> "null";
            case Long number -> number > -4096 && number < 10 ? number.toString() : "0x" + Long.toHexString(number);
            case Integer number ->
                number > -4096 && number < 10 ? number.toString() : "0x" + Integer.toHexString(number);
            case String text -> '"' + text + '"';
            case Boolean condition -> condition.toString();
            default -> object(value);
        };
    }

    private static String object(Object value) {
        String text = value.toString();
        if (text.startsWith(value.getClass().getName() + "@")) {
            return value.getClass().getSimpleName();
        }
        text = text.replace('\n', ' ');
        return text.length() <= MAX_TEXT ? text : text.substring(0, MAX_TEXT) + "…";
    }
}
