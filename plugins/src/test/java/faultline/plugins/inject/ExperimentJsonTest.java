package faultline.plugins.inject;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.jr.ob.JSON;
import faultline.plugins.guest.Guests;
import faultline.plugins.weave.SiteRegistry;
import faultline.plugins.weave.WovenWorld;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The run interface that campaigns build on: one run in, one JSON object out. */
class ExperimentJsonTest {
    /** Runs a program with failures; returns the JSON. */
    static final class Run {
        static String run(SiteRegistry registry, Object[] arguments) throws IOException {
            var spec = Guests.seeded((String) arguments[0]);
            var failures = List.of((String[]) arguments[1]);
            Experiment.Result result = Experiment.run(
                    registry,
                    spec,
                    failures.stream().map(FailSpec::parse).toList(),
                    7,
                    machine -> Guests.redirect(machine, "/dev/null"));
            return ExperimentJson.of(spec, failures, 7, result);
        }
    }

    private static Map<String, Object> run(String program, String... failures) throws IOException {
        return JSON.std.mapFrom(WovenWorld.run(Experiment::weaves, Run.class, WovenWorld.program(program), failures));
    }

    @Test
    void objectHoldsWhatWasAskedForAndWhatCameOfIt() throws IOException {
        Map<String, Object> object = run("failing_memory", "mm/pte_alloc:syscall=mlock,nth=1");
        assertThat(object)
                .containsOnlyKeys(
                        "program", "fail", "fail_seed", "seed", "status", "signal", "fired", "errors", "hits", "audit")
                .containsEntry("fail", List.of("mm/pte_alloc:syscall=mlock,nth=1"))
                .containsEntry("fail_seed", 7)
                .containsEntry("seed", 1)
                .containsEntry("status", 0)
                .containsEntry("signal", null)
                .containsEntry("errors", Map.of("mlock -EAGAIN", 1))
                .containsEntry("audit", List.of());
        var fired = (Map<?, ?>) ((List<?>) object.get("fired")).getFirst();
        assertThat(fired.get("point")).isEqualTo("mm/pte_alloc");
        assertThat(fired.get("syscall")).isEqualTo("mlock");
        assertThat(fired.get("result")).isEqualTo("-ENOMEM");
        assertThat((List<?>) fired.get("kernel")).isNotEmpty();
        assertThat((int) ((Map<?, ?>) object.get("hits")).get("mm/pte_alloc")).isPositive();
    }

    @Test
    void guestKilledBySignalSaysWhich() throws IOException {
        assertThat(run("hello", "mm/page/alloc:nth=9,times=-1,verbose=1"))
                .containsEntry("status", 137)
                .containsEntry("signal", 9);
    }

    @Test
    void runWithoutFailuresCountsTheHitsThatACampaignGoesThrough() throws IOException {
        Map<String, Object> object = run("failing_memory");
        assertThat(object).containsEntry("fired", List.of()).containsEntry("errors", Map.of());
        assertThat(((Map<?, ?>) object.get("hits")).keySet().stream().map(Object::toString))
                .contains("mm/pte_alloc", "mm/page/alloc", "mm/vma/dup", "sys/mmap");
    }
}
