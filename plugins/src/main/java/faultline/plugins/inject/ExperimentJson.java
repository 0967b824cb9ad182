package faultline.plugins.inject;

import com.fasterxml.jackson.jr.ob.JSON;
import faultline.emulator.task.GuestSpec;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * An experiment and its result as one JSON object, for programs that run many:
 *
 * <pre>
 * {"program": […], "fail": […], "fail_seed": 0, "seed": null,     what was asked for
 *  "status": 137, "signal": 9,                                    128 + n and n when a signal killed it, else null
 *  "fired": [{"point", "location", "hit", "tid", "comm", "syscall", "result", "kernel": […], "guest": […]}],
 *  "errors": {"mmap -ENOMEM": 1},                                 what the guest saw after the first failure
 *  "hits": {"mm/pte_alloc": 9},                                   calls of each point, failing or not
 *  "audit": []}                                                   what is wrong with the memory manager's books
 * </pre>
 */
public final class ExperimentJson {
    private static final int KILLED = 128;
    private static final int LAST_SIGNAL = 64;

    private ExperimentJson() {}

    /**
     * The object's text, with line breaks, the keys in the order above.
     *
     * @param failures specs as they were given
     * @param seed of the probabilities
     */
    public static String of(GuestSpec spec, List<String> failures, long seed, Experiment.Result result)
            throws IOException {
        var object = new LinkedHashMap<String, Object>();
        object.put("program", spec.argv());
        object.put("fail", failures);
        object.put("fail_seed", seed);
        object.put("seed", spec.seed());
        object.put("status", result.status());
        int signal = result.status() - KILLED;
        object.put("signal", signal > 0 && signal <= LAST_SIGNAL ? signal : null);
        object.put("fired", result.fired().stream().map(ExperimentJson::failure).toList());
        object.put("errors", result.errors());
        object.put("hits", result.hits());
        object.put("audit", result.audit());
        return JSON.std
                        .with(JSON.Feature.PRETTY_PRINT_OUTPUT, JSON.Feature.WRITE_NULL_PROPERTIES)
                        .asString(object) + "\n";
    }

    private static Map<String, Object> failure(FiredFailure failure) {
        var object = new LinkedHashMap<String, Object>();
        object.put("point", failure.point());
        object.put("location", failure.location());
        object.put("hit", failure.hit());
        object.put("tid", failure.tid());
        object.put("comm", failure.comm());
        object.put("syscall", failure.syscall());
        object.put("result", failure.result());
        object.put("kernel", failure.kernelStack());
        object.put("guest", failure.guestStack());
        return object;
    }
}
