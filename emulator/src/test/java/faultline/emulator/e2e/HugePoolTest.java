package faultline.emulator.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.emulator.task.GuestMachine;
import faultline.emulator.task.GuestSpec;
import faultline.mmu.hugetlb.HugetlbPool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Programs that use the pool of huge pages of their machine, which is not the host's. */
@Timeout(120)
class HugePoolTest {
    private static final Path HOST_POOL = Path.of("/proc/sys/vm/nr_hugepages");

    private static String hostPool() throws IOException {
        return Files.exists(HOST_POOL) ? Files.readString(HOST_POOL) : "";
    }

    private static GuestMachine boot(int pages, String... arguments) throws Exception {
        String program = TestPrograms.program(arguments[0]).toString();
        List<String> argv = List.of(program, arguments[1]);
        Map<String, String> options = Map.of("hugepages", Integer.toString(pages));
        return GuestMachine.boot(
                new GuestSpec(program, argv, List.of(), null, null, 128L << 20, null, "split", "pmd", options));
    }

    /** The program looks for itself, and exits with the number of what it found wrong. */
    @Test
    void aProgramUsesThePoolInEveryWay() throws Exception {
        String before = hostPool();
        try (GuestMachine machine = boot(8, "hugetlb_pool", "8")) {
            assertThat(machine.runToEnd()).isZero();
            assertThat(machine.audit()).isEmpty();
            HugetlbPool pool = machine.kernel().memory().hugetlb();
            assertThat(pool.total()).isZero();
            assertThat(pool.reserved()).isZero();
        }
        assertThat(hostPool()).isEqualTo(before);
    }
}
