package faultline.plugins.inject;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.plugins.guest.Guests;
import faultline.plugins.weave.SiteRegistry;
import faultline.plugins.weave.WovenWorld;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * One failure at a time in a program that makes each call once: the call answers what Linux answers, every other line
 * stays as it is, nothing is lost, and a second run is the same to the last stack frame.
 */
class FailingCallsTest {
    private static final String SEVERAL =
            "mm/pte_alloc:syscall=mlock,nth=1 mm/vma/dup:syscall=mremap,nth=1 mm/usercopy/to:syscall=read,nth=1";

    /**
     * A failure and what comes of it.
     *
     * @param line of the guest's output, null when it gets no further
     * @param said what else is to be told
     */
    private record Case(String spec, String line, String said) {}

    private static final List<Case> CASES = List.of(
            // the call itself is not made
            new Case("sys/mmap:task=calling,nth=1", "mmap: ENOMEM", "saw mmap -ENOMEM"),
            new Case("sys/madvise:nth=1,errno=EAGAIN", "madvise to populate: EAGAIN", "saw madvise -EAGAIN"),
            // a mapping cannot be had
            new Case("mm/vma/alloc:task=calling,syscall=mmap,nth=1", "mmap: ENOMEM", "saw mmap -ENOMEM"),
            new Case(
                    "mm/vma/dup:syscall=munmap,caller=__split_vma,nth=1",
                    "munmap of the middle: ENOMEM",
                    "saw munmap -ENOMEM"),
            new Case("mm/vma/dup:syscall=mremap,nth=1", "mremap: ENOMEM", "saw mremap -ENOMEM"),
            new Case("mm/vma/dup:syscall=clone,nth=1", "fork: ENOMEM", "saw clone -ENOMEM"),
            // a copy fails, or the fault that it takes: the kernel's own faults are not tried again
            new Case("mm/usercopy:syscall=read,task=calling", "read into a fresh page: EFAULT", "saw read -EFAULT"),
            new Case("mm/pte_alloc:syscall=read,nth=1", "read into a fresh page: EFAULT", "saw read -EFAULT"),
            new Case("mm/page/alloc:syscall=read,nth=1", "read into a fresh page: EFAULT", "saw read -EFAULT"),
            new Case("mm/pte_alloc:syscall=write,nth=1", "write from a fresh page: EFAULT", "saw write -EFAULT"),
            // no table or page for calls that populate; mlock says so in its own way
            new Case("mm/pte_alloc:syscall=mlock,nth=1", "mlock: EAGAIN", "saw mlock -EAGAIN"),
            new Case("mm/page/alloc:syscall=mlock,nth=1", "mlock: EAGAIN", "saw mlock -EAGAIN"),
            new Case("mm/pte_alloc:syscall=madvise,nth=1", "madvise to populate: ENOMEM", "saw madvise -ENOMEM"),
            new Case("mm/page/alloc:syscall=madvise,nth=2", "madvise to populate: ENOMEM", "saw madvise -ENOMEM"),
            // a table for the new place, or for the child
            new Case("mm/pte_alloc:syscall=mremap,nth=1", "mremap: ENOMEM", "saw mremap -ENOMEM"),
            new Case("mm/pte_alloc:syscall=clone,nth=1", "fork: ENOMEM", "saw clone -ENOMEM"),
            // the program's own fault is tried again; a file that cannot be read is a SIGBUS with BUS_ADRERR
            new Case("mm/pte_alloc:task=touching,syscall=none,nth=1", "touched: 42", "status 0"),
            new Case("mm/page/alloc:task=touching,syscall=none,nth=1", "touched: 42", "status 0"),
            new Case("mm/file/read:task=touching,syscall=none,nth=1", "file: SIGBUS 2", "status 0"),
            // and what can never be had kills
            new Case("mm/page/alloc:task=touching,syscall=none", null, "status 137"),
            new Case("mm/pte_alloc:task=touching,syscall=none", null, "status 137"));

    /** By spec, what came of each of two runs; without failures by {@code ""}. */
    private static final Map<String, List<List<String>>> RUNS = new HashMap<>();

    /** Runs the program twice with each spec, all in one world. */
    static final class Runs {
        static List<List<String>> run(SiteRegistry registry, Object[] arguments) throws IOException {
            var runs = new ArrayList<List<String>>();
            for (String specs : (String[]) arguments[1]) {
                runs.add(once(registry, (String) arguments[0], specs));
                runs.add(once(registry, (String) arguments[0], specs));
            }
            return runs;
        }

        /** The guest's lines, then status, failures with their stacks, errors seen, and the audit. */
        private static List<String> once(SiteRegistry registry, String program, String specs) throws IOException {
            var run = InjectedRun.of(
                    registry,
                    Guests.seeded(program),
                    Arrays.stream(specs.split(" ")).filter(s -> !s.isEmpty()).toArray(String[]::new));
            var lines = new ArrayList<>(run.output());
            lines.add("status " + run.result().status());
            run.result()
                    .fired()
                    .forEach(failure ->
                            lines.add("fired " + failure + " " + failure.kernelStack() + " " + failure.guestStack()));
            run.result().errors().forEach((call, count) -> lines.add("saw " + call));
            run.result().audit().forEach(line -> lines.add("audit " + line));
            return lines;
        }
    }

    @BeforeAll
    @SuppressWarnings("unchecked") // lists of the platform's own types
    static void runAll() {
        List<String> specs = Stream.concat(CASES.stream().map(Case::spec), Stream.of("", SEVERAL))
                .toList();
        var runs = (List<List<String>>) WovenWorld.run(
                Experiment::weaves, Runs.class, WovenWorld.program("failing_memory"), specs.toArray(String[]::new));
        for (int i = 0; i < specs.size(); i++) {
            RUNS.put(specs.get(i), runs.subList(2 * i, 2 * i + 2));
        }
    }

    static List<Case> cases() {
        return CASES;
    }

    @ParameterizedTest
    @MethodSource("cases")
    void callAnswersAsLinuxDoesAndTwiceTheSame(Case failure) {
        List<String> lines = RUNS.get(failure.spec).getFirst();
        assertThat(lines).anyMatch(text -> text.startsWith("fired ")).contains(failure.said);
        assertThat(lines).noneMatch(text -> text.startsWith("audit"));
        if (failure.line != null) {
            assertThat(lines).contains(failure.line);
            assertThat(RUNS.get("").getFirst().stream().filter(text -> text.contains(": ")))
                    .allMatch(text -> lines.contains(text) || isOf(failure.line, text));
        }
        assertThat(RUNS.get(failure.spec).getLast()).isEqualTo(lines);
    }

    /** Whether the failure changes that line: the call's own, and what a child that was not made did. */
    private static boolean isOf(String changed, String line) {
        String call = changed.substring(0, changed.indexOf(": ") + 1);
        return line.startsWith(call) || call.equals("fork:") && line.startsWith("child:");
    }

    @Test
    void severalFailuresAtOnceEachHaveTheirOwnCount() {
        assertThat(RUNS.get(SEVERAL).getFirst())
                .contains("mlock: EAGAIN", "mremap: ENOMEM", "read into a fresh page: EFAULT", "status 0")
                .filteredOn(line -> line.startsWith("fired"))
                .extracting(line -> line.substring(0, line.indexOf(" returned")))
                .containsExactly("fired mm/usercopy/to hit 1", "fired mm/pte_alloc hit 1", "fired mm/vma/dup hit 1");
    }
}
