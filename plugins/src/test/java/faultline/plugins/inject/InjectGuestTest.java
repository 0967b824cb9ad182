package faultline.plugins.inject;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.emulator.task.GuestMachine;
import faultline.plugins.guest.Guests;
import faultline.plugins.weave.SiteRegistry;
import faultline.plugins.weave.WovenWorld;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Failures in real guests: what the guest sees is what Linux would show, and the memory manager loses nothing. */
class InjectGuestTest {
    private static final Consumer<GuestMachine> QUIET = machine -> Guests.redirect(machine, "/dev/null");

    /** Runs a program with failures; returns status, what fired, what the guest saw, and the audit, as lines. */
    static final class OneRun {
        static List<String> run(SiteRegistry registry, Object[] arguments) {
            List<FailSpec> specs =
                    Arrays.stream((String[]) arguments[1]).map(FailSpec::parse).toList();
            Experiment.Result result = Experiment.run(registry, Guests.seeded((String) arguments[0]), specs, 7, QUIET);
            var lines = new ArrayList<String>();
            lines.add("status " + result.status());
            result.fired().forEach(failure -> lines.add("fired " + failure));
            result.errors().forEach((call, count) -> lines.add("saw " + call));
            result.audit().forEach(line -> lines.add("audit " + line));
            return lines;
        }
    }

    private static List<String> inject(String program, String... specs) {
        return lines(WovenWorld.run(Experiment::weaves, OneRun.class, WovenWorld.program(program), specs));
    }

    private static List<String> lines(Object result) {
        return ((List<?>) result).stream().map(String.class::cast).toList();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                // a fault without memory is tried again, as Linux does
                "hello|mm/pte_alloc:nth=3|status 0|",
                "hello|mm/page/alloc:nth=9|status 0|",
                // and killed when that never helps
                "hello|mm/page/alloc:nth=9,times=-1|status 137|",
                "mremap_move|mm/vma/alloc:syscall=mmap,nth=1|status 1|saw mmap -ENOMEM",
                "mremap_move|sys/mmap:nth=1|status 1|saw mmap -ENOMEM",
                "hello|mm/usercopy:syscall=write,nth=1||saw write -EFAULT",
                "hello|mm/file/read:nth=1|status 135|",
            })
    void guestSeesWhatLinuxWouldShow(String program, String spec, String status, String saw) {
        List<String> lines = inject(program, spec);
        assertThat(lines).anyMatch(line -> line.startsWith("fired "));
        if (status != null) {
            assertThat(lines).contains(status);
        }
        if (saw != null) {
            assertThat(lines).contains(saw);
        }
        assertThat(lines).noneMatch(line -> line.startsWith("audit"));
    }

    @Test
    void sameSeedMakesTheSameFailures() {
        List<String> first = inject("mremap_move", "mm/*:probability=3,times=3");
        assertThat(inject("mremap_move", "mm/*:probability=3,times=3")).isEqualTo(first);
        assertThat(first).anyMatch(line -> line.startsWith("fired "));
    }

    @Test
    void tableThatFailsHalfWayThroughAMoveRollsBack() {
        List<String> lines = inject("mremap_move", "mm/pte_alloc:syscall=mremap,nth=2");
        assertThat(lines)
                .anyMatch(line -> line.startsWith("fired mm/pte_alloc hit 2"))
                .contains("saw mremap -ENOMEM");
        assertThat(lines).noneMatch(line -> line.startsWith("audit"));
    }

    /**
     * The program says itself whether each page has its contents and each mapping its place; here, that all moved or
     * none.
     */
    static final class Rollback {
        static List<String> run(SiteRegistry registry, Object[] arguments) throws java.io.IOException {
            var run = InjectedRun.of(registry, Guests.seeded((String) arguments[0]), (String) arguments[1]);
            var lines = new ArrayList<>(run.output());
            lines.add("status " + run.result().status());
            run.result().fired().forEach(failure -> lines.add("fired " + failure.point() + " in " + failure.syscall()));
            run.result().audit().forEach(line -> lines.add("audit " + line));
            return lines;
        }
    }

    /** The move asks for a table once an extent, of 64 pages or fewer: the first time, some in the middle, and late. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 9, 40, 80, 120, 150})
    void moveOfTenThousandPagesFailingHalfWayLeavesAllAsItWas(int nth) {
        String spec = "mm/pte_alloc:syscall=mremap,nth=" + nth;
        assertThat(lines(WovenWorld.run(
                        Experiment::weaves, Rollback.class, WovenWorld.program("mremap_rollback"), spec)))
                .containsExactly(
                        "mremap of 10000 pages: ENOMEM",
                        "old place mapped: all, new place mapped: none",
                        "pages with other contents: 0",
                        "contents faulted in again: no",
                        "unmap: ok, then mapped: none",
                        "status 0",
                        "fired mm/pte_alloc in mremap");
    }

    @Test
    void moveOfTenThousandPagesIsWholeWhenNothingFails() {
        assertThat(lines(WovenWorld.run(
                        Experiment::weaves,
                        Rollback.class,
                        WovenWorld.program("mremap_rollback"),
                        "mm/pte_alloc:nth=100000")))
                .startsWith("mremap of 10000 pages: moved", "old place mapped: none, new place mapped: all")
                .endsWith("unmap: ok, then mapped: none", "status 0");
    }
}
