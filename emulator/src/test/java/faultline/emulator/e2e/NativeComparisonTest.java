package faultline.emulator.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Every program of testbins: the same output and exit status as on the host's kernel, and books in order at the end.
 */
class NativeComparisonTest {
    private static final Map<String, String> NONLINEAR = Map.of("remap-file-pages", "nonlinear");
    private static final List<String> ARGUMENTS = List.of("first", "", "third argument");

    private static final int HUGE_TRIES = 5;
    private static final String WALK_STEPS = "600";

    private static Guests guests;

    @BeforeAll
    static void start() throws IOException {
        guests = new Guests();
        guests.setInput("a line\nanother\n".repeat(500).getBytes(StandardCharsets.UTF_8));
    }

    @AfterAll
    static void stop() throws IOException {
        guests.close();
    }

    @TestFactory
    Stream<DynamicTest> sameAsNative() {
        return TestPrograms.names(
                        "basic",
                        "faults",
                        "errno",
                        "shape",
                        "signal",
                        "code",
                        "file",
                        "thread",
                        "gup",
                        "swap",
                        "mm",
                        "process",
                        "huge",
                        "ipc",
                        "limits",
                        "userfault")
                .stream()
                .map(name -> DynamicTest.dynamicTest(name, () -> compare(name, "split", "pmd")));
    }

    @TestFactory
    Stream<DynamicTest> sameWithOneLockAndOtherMovers() {
        return Stream.of("mremap_move", "mremap_grow", "mremap_dontunmap", "mremap_arguments", "address_space")
                .flatMap(name -> Stream.of("page", "extent")
                        .map(move -> DynamicTest.dynamicTest(name + " mm " + move, () -> compare(name, "mm", move))));
    }

    @Test
    void sameWithNonlinearMappings() throws Exception {
        compare("remap_file_pages", "split", "pmd", NONLINEAR);
        compare("remap_file_pages", "mm", "extent", NONLINEAR);
    }

    @Test
    void aNonlinearMappingIsOneMapping() throws Exception {
        List<String> argv = List.of(TestPrograms.program("remap_file_pages").toString(), "maps");
        GuestRequest request = guests.request(argv, null, "split", "pmd", Guests.SECONDS);

        assertThat(guests.nativeRun(argv).output()).isEqualTo("mappings: 8, out of order: 0 kB\n");
        assertThat(guests.run(request).output()).isEqualTo("mappings: 8, out of order: 0 kB\n");
        assertThat(guests.run(request.withOptions(NONLINEAR)).output()).isEqualTo("mappings: 1, out of order: 32 kB\n");
    }

    /** What walks of other lengths and from other seeds find is for longer runs by hand. */
    @TestFactory
    Stream<DynamicTest> sameInRandomWalks() {
        List<GuestRequest> walks = new ArrayList<>();
        for (String name : List.of("mm_fuzz", "family_fuzz")) {
            walks.add(walk(name, 1, "split", "pmd"));
            walks.add(walk(name, 2, "mm", "extent"));
            walks.add(walk(name, 3, "split", "page").withOptions(Map.of("thp", "always", "gup-cow", "2005")));
        }
        return walks.stream()
                .map(walk -> DynamicTest.dynamicTest(String.join(" ", walk.argv()), () -> compare(walk, 0)));
    }

    private static GuestRequest walk(String name, int seed, String ptl, String move) {
        List<String> argv = List.of(TestPrograms.program(name).toString(), Integer.toString(seed), WALK_STEPS);
        return guests.request(argv, null, ptl, move, Guests.SECONDS);
    }

    private static void compare(String name, String ptl, String move) throws Exception {
        compare(name, ptl, move, Map.of());
    }

    private static void compare(String name, String ptl, String move, Map<String, String> options) throws Exception {
        Path program = TestPrograms.program(name);
        assumeTrue(Files.exists(program), program + " was not built: testbins/build.sh says why");
        List<String> argv =
                Stream.concat(Stream.of(program.toString()), arguments(name)).toList();
        GuestRequest request =
                guests.request(argv, null, ptl, move, Guests.SECONDS).withOptions(options);
        // The host may have had no block of 2 MiB free just then.
        compare(request, name.startsWith("thp_") ? HUGE_TRIES : 0);
    }

    /** @param tries how often the host is asked again when it was of another opinion */
    private static void compare(GuestRequest request, int tries) throws Exception {
        GuestResult expected = guests.nativeRun(request.argv());
        GuestResult actual = guests.run(request);
        for (int i = 0; i < tries && !actual.output().equals(expected.output()); i++) {
            expected = guests.nativeRun(request.argv());
        }
        assertThat(expected.timedOut())
                .as("the host's run of %s did not end", request.argv())
                .isFalse();
        assertThat(actual.trouble())
                .as("trouble; standard error: %s", actual.errors())
                .isEmpty();
        assertThat(actual.output()).as("standard output").isEqualTo(expected.output());
        assertThat(actual.status()).as("exit status").isEqualTo(expected.status());
        assertThat(actual.audit()).as("audit").isEmpty();
    }

    /** A program that takes a number as argument gets none. */
    private static Stream<String> arguments(String name) {
        return name.equals("killed") ? Stream.empty() : ARGUMENTS.stream();
    }
}
