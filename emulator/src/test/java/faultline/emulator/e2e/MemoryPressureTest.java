package faultline.emulator.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.emulator.task.GuestMachine;
import faultline.emulator.task.GuestSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Programs that want more memory than there is, with swap and without. */
@Timeout(120)
class MemoryPressureTest {
    private record Outcome(int status, List<String> audit, long pagesIn, long kills) {}

    private static Outcome run(long mem, long swap, Long seed, String... command) throws Exception {
        List<String> argv = new ArrayList<>(List.of(command));
        argv.set(0, TestPrograms.program(command[0]).toString());
        GuestSpec spec = new GuestSpec(
                argv.get(0),
                argv,
                List.of(),
                null,
                null,
                mem << 20,
                seed,
                "split",
                "pmd",
                swap == 0 ? Map.of() : Map.of(GuestSpec.SWAP, Long.toString(swap << 20)));
        try (GuestMachine machine = GuestMachine.boot(spec)) {
            int status = machine.runToEnd();
            List<String> audit = machine.audit();
            var space = machine.kernel().memory().swap();
            if (space != null) {
                assertThat(space.freeSlots()).as("free swap slots").isEqualTo(space.totalSlots());
            }
            return new Outcome(
                    status,
                    audit,
                    space == null ? 0 : space.pagesIn(),
                    machine.kernel().oomKiller().kills());
        }
    }

    @Test
    void aWorkingSetTwiceTheMemoryRunsToTheRightAnswer() throws Exception {
        Outcome outcome = run(32, 128, null, "working_set", "64", "check");

        assertThat(outcome.status()).isZero();
        assertThat(outcome.audit()).isEmpty();
        assertThat(outcome.pagesIn()).isGreaterThan(64 * 256);
        assertThat(outcome.kills()).isZero();
    }

    @Test
    void withASeedTwoRunsReadTheSamePagesFromSwap() throws Exception {
        Outcome first = run(16, 64, 7L, "working_set", "24", "check");
        Outcome second = run(16, 64, 7L, "working_set", "24", "check");

        assertThat(first.status()).isZero();
        assertThat(first.pagesIn()).isPositive().isEqualTo(second.pagesIn());
    }

    @Test
    void withoutSwapTheLargestProcessIsKilledAndTheOthersLiveOn() throws Exception {
        Outcome outcome = run(16, 0, null, "oom", "64", "0", "9 0");

        assertThat(outcome.status()).isZero();
        assertThat(outcome.audit()).isEmpty();
        assertThat(outcome.kills()).isEqualTo(1);
    }

    @Test
    void whenSwapIsFullTooTheLargestProcessIsKilled() throws Exception {
        Outcome outcome = run(16, 16, null, "oom", "64", "0", "9 0");

        assertThat(outcome.status()).isZero();
        assertThat(outcome.audit()).isEmpty();
        assertThat(outcome.kills()).isEqualTo(1);
    }

    @Test
    void theAdjustmentChoosesAnotherVictimFirst() throws Exception {
        assertThat(run(16, 0, null, "oom", "64", "1000", "9 9")).satisfies(outcome -> {
            assertThat(outcome.status()).isZero();
            assertThat(outcome.kills()).isEqualTo(2);
        });
    }

    @Test
    void theOnlyProcessDiesBySigkill() throws Exception {
        Outcome outcome = run(16, 0, null, "working_set", "24", "check");

        assertThat(outcome.status()).isEqualTo(137);
        assertThat(outcome.audit()).isEmpty();
    }
}
