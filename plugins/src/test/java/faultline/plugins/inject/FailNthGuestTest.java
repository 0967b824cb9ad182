package faultline.plugins.inject;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import faultline.plugins.guest.Guests;
import faultline.plugins.weave.SiteRegistry;
import faultline.plugins.weave.WovenWorld;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Guests that ask for failures themselves, as on a kernel built with fault injection. */
class FailNthGuestTest {
    /** Runs a shell script; returns what it printed, then failures, then its status. */
    static final class Shell {
        static List<String> run(SiteRegistry registry, Object[] arguments) throws IOException {
            var run = InjectedRun.of(
                    registry, Guests.seeded("/bin/sh", "-c", (String) arguments[0]), (String[]) arguments[1]);
            var lines = new ArrayList<>(run.output());
            run.result().fired().forEach(failure -> lines.add(failure.comm() + ": " + failure.point()));
            lines.add("status " + run.result().status());
            return lines;
        }
    }

    private static List<String> shell(String script, String... specs) {
        return ((List<?>) WovenWorld.run(Experiment::weaves, Shell.class, script, specs))
                .stream().map(String.class::cast).toList();
    }

    @Test
    void nthCallOfTheTaskFailsAndTheFileReadsZeroAfterwards() {
        assertThat(shell("echo 1 > /proc/self/fail-nth; echo hi || exit 3"))
                .anyMatch(line -> line.startsWith("sh: mm/"));
        assertThat(shell("echo 1 > /proc/self/task/$$/fail-nth; cd /; read n < /proc/self/fail-nth; echo left $n"))
                .contains("left 0")
                .anyMatch(line -> line.startsWith("sh: mm/"));
    }

    @Test
    void filesReadAsWritten() {
        assertThat(shell("read n < /proc/self/fail-nth; read m < /proc/self/make-it-fail; exit $n$m"))
                .containsExactly("status 0");
        assertThat(shell("echo 4000000000 > /proc/self/fail-nth; read n < /proc/$$/fail-nth;"
                        + " [ $n -gt 3999990000 ] && [ $n -lt 4000000000 ] && echo counts"))
                .containsExactly("counts", "status 0");
    }

    @Test
    void wrongNumbersAreRefused() {
        String script = "for n in -1 4294967296 x; do echo $n > /proc/self/fail-nth && echo took $n; done;"
                + " for n in -1 2 x; do echo $n > /proc/self/make-it-fail && echo took $n; done; exit 0";
        assertThat(shell(script)).noneMatch(line -> line.startsWith("took")).endsWith("status 0");
    }

    private static void onlyAsRoot() {
        assumeTrue("root".equals(System.getProperty("user.name")), "make-it-fail wants CAP_SYS_RESOURCE");
    }

    @Test
    void makeItFailIsForRootAndFailNthForTheTasksOwner() {
        onlyAsRoot();
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/setpriv")), "another user needs setpriv");
        String other = "(echo 1 > /proc/$0/fail-nth) || echo foreign; (echo 1 > /proc/self/make-it-fail) || echo mark;"
                + " (echo 1000000 > /proc/self/fail-nth) && echo own; cat /proc/$0/fail-nth";
        assertThat(shell("setpriv --reuid 65534 --clear-groups sh -c '" + other + "' $$ 2> /dev/null"))
                .containsExactly("foreign", "mark", "own", "0", "status 0");
    }

    @Test
    void childrenInheritMakeItFailButNotFailNth() {
        onlyAsRoot();
        assertThat(shell("echo 1 > /proc/self/make-it-fail; echo 1000000 > /proc/self/fail-nth;"
                        + " cat /proc/self/make-it-fail /proc/self/fail-nth"))
                .containsExactly("1", "0", "status 0");
    }

    @Test
    void taskFilterSparesAllButTheTasksThatAreMarked() {
        onlyAsRoot();
        String marked = "(echo 1 > /proc/self/make-it-fail; exec cat /proc/version > /dev/null); cat /proc/self/comm";
        List<String> lines = shell(marked, "mm/usercopy:task-filter=Y,syscall=read");
        assertThat(lines).contains("cat");
        assertThat(lines.stream().filter(line -> line.contains("mm/usercopy")))
                .isNotEmpty()
                .allMatch(line -> line.startsWith("cat: "));
        assertThat(shell("cat /proc/self/comm", "mm/usercopy:task-filter=Y,syscall=read"))
                .containsExactly("cat", "status 0");
    }
}
