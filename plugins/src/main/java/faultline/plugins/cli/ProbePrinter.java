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
 *   demo/101 &lt; handle_mm_fault = 0 (2310 ns)
 * </pre>
 */
final class ProbePrinter implements ProbeListener {
    private static final int MAX_TEXT = 100;

    private final PrintStream out;
    private final GuestView guest;
    private final boolean timed;
    private final CallTimes calls = new CallTimes();

    /** @param timed whether to tell what calls took, which no seed makes the same again */
    ProbePrinter(PrintStream out, GuestView guest, boolean timed) {
        this.out = out;
        this.guest = guest;
        this.timed = timed;
    }

    @Override
    public void entry(ProbeSite site, Object receiver, Object[] arguments) {
        var line = head(calls.depth()).append("> ").append(site.name()).append('(');
        List<String> names = site.info().argumentNames();
        for (int i = 0; i < arguments.length; i++) {
            line.append(i == 0 ? "" : ", ").append(names.get(i)).append('=').append(shown(arguments[i]));
        }
        out.println(line.append(')'));
        calls.enter();
    }

    @Override
    public void exit(ProbeSite site, Object receiver, Object result) {
        String took = leave();
        var line = head(calls.depth()).append("< ").append(site.name());
        if (!site.info().returnType().equals("void")) {
            line.append(" = ").append(shown(result));
        }
        out.println(line.append(took));
    }

    @Override
    public void thrown(ProbeSite site, Throwable thrown) {
        String took = leave();
        out.println(head(calls.depth())
                .append("! ")
                .append(site.name())
                .append(" threw ")
                .append(thrown)
                .append(took));
    }

    /** Ends the innermost call and tells what it took; one that was under way when we attached has no beginning. */
    private String leave() {
        long nanos = calls.leave();
        return timed && nanos != CallTimes.UNKNOWN ? " (" + nanos + " ns)" : "";
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
