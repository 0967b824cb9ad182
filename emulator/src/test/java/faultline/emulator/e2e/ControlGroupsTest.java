package faultline.emulator.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.emulator.task.GuestMachine;
import faultline.emulator.task.GuestSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Programs that use the control groups of their machine, which are not the host's. */
@Timeout(120)
class ControlGroupsTest {
    private static final Path HOST_GROUP = Path.of("/proc/self/cgroup");

    private static GuestMachine boot(Long seed, Map<String, String> options, String... command) throws Exception {
        List<String> argv = new ArrayList<>(List.of(command));
        argv.set(0, TestPrograms.program(command[0]).toString());
        return GuestMachine.boot(
                new GuestSpec(argv.getFirst(), argv, List.of(), null, null, 128L << 20, seed, "split", "pmd", options));
    }

    private static String hostGroup() throws IOException {
        return Files.exists(HOST_GROUP) ? Files.readString(HOST_GROUP) : "";
    }

    /** The program looks for itself, and exits with whether it found something wrong. */
    @Test
    void aProgramUsesGroupsInEveryWay() throws Exception {
        String before = hostGroup();
        try (GuestMachine machine = boot(null, Map.of(), "control_groups", "all")) {
            assertThat(machine.runToEnd()).isZero();
            assertThat(machine.audit()).isEmpty();
            assertThat(machine.kernel().cgroups().root().children()).isEmpty();
        }
        assertThat(hostGroup()).isEqualTo(before);
    }

    @Test
    void withASeedAndSwapToo() throws Exception {
        try (GuestMachine machine = boot(5L, Map.of(GuestSpec.SWAP, "16777216"), "control_groups", "all")) {
            assertThat(machine.runToEnd()).isZero();
            assertThat(machine.audit()).isEmpty();
        }
    }

    @Test
    void aGuestThatMayHaveLessThanItWantsIsKilled() throws Exception {
        Map<String, String> limited = Map.of(GuestSpec.MEMORY_MAX, Long.toString(16L << 20));
        try (GuestMachine machine = boot(null, limited, "working_set", "64", "check")) {
            assertThat(machine.runToEnd()).isEqualTo(128 + 9);
            assertThat(machine.kernel().oomKiller().kills()).isEqualTo(1);
            assertThat(machine.audit()).isEmpty();
        }
    }

    @Test
    void withSwapItRunsToTheRightAnswer() throws Exception {
        Map<String, String> limited =
                Map.of(GuestSpec.MEMORY_MAX, Long.toString(16L << 20), GuestSpec.SWAP, Long.toString(128L << 20));
        try (GuestMachine machine = boot(null, limited, "working_set", "32", "check")) {
            assertThat(machine.runToEnd()).isZero();
            assertThat(machine.kernel().memory().swap().pagesIn()).isPositive();
            assertThat(machine.audit()).isEmpty();
        }
    }
}
