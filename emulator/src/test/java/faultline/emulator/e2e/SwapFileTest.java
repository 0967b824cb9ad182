package faultline.emulator.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import faultline.emulator.task.Credentials;
import faultline.emulator.task.GuestMachine;
import faultline.emulator.task.GuestSpec;
import faultline.mmu.swap.SwapSpace;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A program that makes its files swap areas of its machine; the host's swap is not touched. */
@Timeout(120)
class SwapFileTest {
    private static final Path HOST_SWAPS = Path.of("/proc/swaps");

    @TempDir(factory = InBuildDirectory.class)
    private Path directory;

    private void runs(long memory, Map<String, String> options) throws Exception {
        assumeTrue(
                Credentials.ofThread().effective() == 0,
                "only root may change swap, also that of a machine of its own");
        assumeFalse(Files.getFileStore(directory).type().equals("tmpfs"), "memory is no place for swap files");
        List<String> before = Files.readAllLines(HOST_SWAPS);
        String program = TestPrograms.program("swap_file").toString();
        GuestSpec spec = new GuestSpec(
                program,
                List.of(program, "check", directory.toString()),
                List.of(),
                null,
                null,
                memory,
                null,
                "split",
                "pmd",
                options);
        try (GuestMachine machine = GuestMachine.boot(spec)) {
            assertThat(machine.runToEnd())
                    .as("differences from what was expected")
                    .isZero();
            assertThat(machine.audit()).isEmpty();
            SwapSpace swap = machine.kernel().memory().swap();
            assertThat(swap.freeSlots()).isEqualTo(swap.totalSlots());
            assertThat(swap.pagesIn()).isPositive();
        }
        assertThat(Files.readAllLines(HOST_SWAPS)).isEqualTo(before);
    }

    /** The program looks for itself, and exits with the number of what it found wrong. */
    @Test
    void aProgramMakesFilesSwapAreasUsesThemAndTakesThemOff() throws Exception {
        runs(64L << 20, Map.of());
    }

    @Test
    void itDoesSoBesideTheSwapOfTheMachineAndWithLittleMemory() throws Exception {
        runs(16L << 20, Map.of(GuestSpec.SWAP, Long.toString(32L << 20)));
    }
}
