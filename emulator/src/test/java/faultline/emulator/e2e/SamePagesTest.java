package faultline.emulator.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import faultline.emulator.task.Credentials;
import faultline.emulator.task.GuestMachine;
import faultline.emulator.task.GuestSpec;
import faultline.mmu.ksm.Ksm;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A program that has its machine's scanner merge equal pages; the host's scanner is not touched. */
@Timeout(120)
class SamePagesTest {
    private static final Path HOST_RUN = Path.of("/sys/kernel/mm/ksm/run");

    private static String hostRun() throws Exception {
        return Files.exists(HOST_RUN) ? Files.readString(HOST_RUN) : "";
    }

    /** The program looks for itself, and exits with the number of what it found wrong. */
    @ParameterizedTest
    @NullSource
    @ValueSource(longs = {1, 2})
    void equalPagesOfTwoProcessesBecomeOneAndTwoAgain(Long seed) throws Exception {
        assumeTrue(Credentials.ofThread().effective() == 0, "only root may have pages merged");
        String before = hostRun();
        String program = TestPrograms.program("same_pages").toString();
        GuestSpec spec = new GuestSpec(
                program, List.of(program, "check"), List.of(), null, null, 64L << 20, seed, "split", "pmd", Map.of());
        try (GuestMachine machine = GuestMachine.boot(spec)) {
            assertThat(machine.runToEnd())
                    .as("differences from what was expected")
                    .isZero();
            assertThat(machine.audit()).isEmpty();
            Ksm ksm = machine.kernel().memory().ksm();
            assertThat(ksm.pagesScanned()).isPositive();
        }
        assertThat(hostRun()).isEqualTo(before);
    }
}
