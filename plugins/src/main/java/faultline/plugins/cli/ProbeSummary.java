package faultline.plugins.cli;

import faultline.plugins.output.CostTable;
import faultline.plugins.weave.ProbeListener;
import faultline.plugins.weave.ProbeSite;

/** Adds up how often functions are called and what that takes, calls of theirs included. Any thread. */
final class ProbeSummary implements ProbeListener {
    private final boolean timed;
    private final CallTimes times = new CallTimes();
    private final CostTable table = new CostTable();

    /** @param timed whether to tell what calls took, which no seed makes the same again */
    ProbeSummary(boolean timed) {
        this.timed = timed;
    }

    @Override
    public void entry(ProbeSite site, Object receiver, Object[] arguments) {
        times.enter();
    }

    @Override
    public void exit(ProbeSite site, Object receiver, Object result) {
        add(site.name());
    }

    @Override
    public void thrown(ProbeSite site, Throwable thrown) {
        add(site.name() + " (thrown)");
    }

    private void add(String name) {
        long nanos = timed ? Math.max(0, times.leave()) : 0;
        synchronized (table) {
            table.add(name, nanos);
        }
    }

    /** The table so far. */
    String text() {
        synchronized (table) {
            return table.text("function");
        }
    }
}
