package faultline.emulator.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import faultline.emulator.task.Credentials;
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

    private static GuestMachine boot(String name, String pages, String option, long memory) throws Exception {
        String program = TestPrograms.program(name).toString();
        return GuestMachine.boot(new GuestSpec(
                program,
                List.of(program, pages),
                List.of(),
                null,
                null,
                memory,
                null,
                "split",
                "pmd",
                Map.of(option, pages)));
    }

    /** The program looks for itself, and exits with the number of what it found wrong. */
    @Test
    void aProgramUsesThePoolInEveryWay() throws Exception {
        String before = hostPool();
        try (GuestMachine machine = boot("hugetlb_pool", "8", GuestSpec.HUGE_PAGES, 128L << 20)) {
            assertThat(machine.runToEnd()).isZero();
            assertThat(machine.audit()).isEmpty();
            HugetlbPool pool = machine.kernel().memory().hugetlb().huge();
            assertThat(pool.total()).isZero();
            assertThat(pool.reserved()).isZero();
        }
        assertThat(hostPool()).isEqualTo(before);
    }

    @Test
    void mountsHaveLimitsOfTheirOwn() throws Exception {
        assumeTrue(Credentials.ofThread().effective() == 0, "only root may mount");
        try (GuestMachine machine = boot("hugetlb_limits", "8", GuestSpec.HUGE_PAGES, 128L << 20)) {
            assertThat(machine.runToEnd()).as("things that are wrong").isZero();
            assertThat(machine.audit()).isEmpty();
        }
    }

    /** What is never touched of a page of 1 GiB takes nothing of the host's memory: the program touches little. */
    @Test
    void aProgramUsesPagesOfOneGiB() throws Exception {
        try (GuestMachine machine = boot("gigantic_pool", "2", GuestSpec.GIGANTIC_PAGES, 3200L << 20)) {
            assertThat(machine.runToEnd()).isZero();
            assertThat(machine.audit()).isEmpty();
            HugetlbPool pool = machine.kernel().memory().hugetlb().gigantic();
            assertThat(pool.free()).isEqualTo(2);
            assertThat(pool.reserved()).isZero();
        }
    }
}
