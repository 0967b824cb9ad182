package faultline.emulator.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * The guest machine's own kernel.core_pattern, and what core files it makes. The expected lines are those of {@code
 * core_names} on Linux 6.18, where it was run by hand since it changes the host's settings.
 */
class CorePatternTest {
    private static Guests guests;

    @BeforeAll
    static void start() throws IOException {
        guests = new Guests();
    }

    @AfterAll
    static void stop() throws IOException {
        guests.close();
    }

    /** The lines about the child's end, without those that show the settings. */
    private static String dump(String... arguments) throws Exception {
        assumeTrue(Files.exists(TestPrograms.program("core_names")), "core_names was not built");
        assumeTrue(Files.getAttribute(guests.directory(), "unix:uid").equals(0), "only root may write settings");
        List<String> argv =
                new ArrayList<>(List.of(TestPrograms.program("core_names").toString()));
        argv.addAll(List.of(arguments));
        GuestResult result = guests.run(argv);
        assertThat(result.trouble() + result.errors() + result.audit()).isEmpty();
        assertThat(result.output())
                .startsWith("/proc/sys/kernel/core_pattern: " + arguments[0] + "\n/proc/sys/kernel/core_uses_pid: "
                        + arguments[1] + "\n");
        return result.output().lines().skip(2).reduce("", (all, line) -> all + line + "\n");
    }

    @Test
    void thePatternNamesTheFile() throws Exception {
        assertThat(dump("a-%p-%e-%s-%t-%%-%i", "1"))
                .isEqualTo("signal 6, dumped 1\nfile a-PID-..!na!me-6-TIME-%-PID, mode 600, a core\n");
    }

    @Test
    void thePidFollowsThePatternWhereWanted() throws Exception {
        assertThat(dump("core", "1")).isEqualTo("signal 6, dumped 1\nfile core.PID, mode 600, a core\n");
    }

    @Test
    void withLessThanAPageAllowedThereIsNoFile() throws Exception {
        assertThat(dump("core", "0", "4095")).isEqualTo("signal 6, dumped 0\n");
        assertThat(dump("core", "0", "4096")).isEqualTo("signal 6, dumped 1\nfile core, mode 600, small\n");
    }

    @Test
    void aLinkOfThatNameIsReplaced() throws Exception {
        assertThat(dump("core", "0", "1000000", "core")).isEqualTo("signal 6, dumped 1\nfile core, mode 600, a core\n");
    }
}
