package example;

import faultline.plugins.spi.Event;
import faultline.plugins.spi.Plugin;
import faultline.plugins.spi.PluginContext;
import faultline.plugins.weave.ProbeListener;
import faultline.plugins.weave.ProbeSite;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** Counts page faults by what they did, and calls of one kernel function; prints both when the program has ended. */
public final class FaultCounter implements Plugin {
    private final Map<String, AtomicLong> paths = new ConcurrentHashMap<>();
    private final AtomicLong tables = new AtomicLong();
    private PluginContext context;

    @Override
    public String name() {
        return "fault-counter";
    }

    @Override
    public void start(PluginContext given) {
        context = given;
        context.onEvents("fault", "user", this::count);
        context.attach("pte_alloc", new ProbeListener() {
            @Override
            public void exit(ProbeSite site, Object receiver, Object result) {
                tables.incrementAndGet();
            }
        });
    }

    private void count(Event fault) {
        paths.computeIfAbsent(fault.text("path"), path -> new AtomicLong()).incrementAndGet();
    }

    @Override
    public void stop() {
        context.print(new TreeMap<>(paths) + ", pte_alloc called " + tables + " times");
    }
}
