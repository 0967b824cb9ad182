package faultline.emulator.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command {@code faultline} as a user types it, each in a Java process of its own. */
class CommandLineTest {
    private static final String JAVA =
            Path.of(System.getProperty("java.home"), "bin", "java").toString();
    private static final int SECONDS = 60;

    @TempDir
    Path directory;

    private record Outcome(int status, String output, String errors) {}

    private Outcome faultline(String... args) throws IOException, InterruptedException {
        return faultlineTo(directory.resolve("output"), args);
    }

    private Outcome faultlineTo(Path output, String... args) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                JAVA,
                "-XX:+UseSerialGC",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                "faultline.emulator.cli.Start"));
        command.addAll(List.of(args));
        Path errors = directory.resolve("errors");
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectOutput(output.toFile())
                .redirectError(errors.toFile());
        builder.environment().put("FAULTLINE_TEST", "from the environment");
        Process process = builder.start();
        process.getOutputStream().close();
        assertThat(process.waitFor(SECONDS, TimeUnit.SECONDS))
                .as("ended in time")
                .isTrue();
        return new Outcome(
                process.exitValue(),
                Files.isRegularFile(output) ? Files.readString(output, StandardCharsets.ISO_8859_1) : "",
                Files.readString(errors, StandardCharsets.ISO_8859_1));
    }

    private static String program(String name) {
        return TestPrograms.program(name).toString();
    }

    private static void oneLine(Outcome outcome, int status, String text) {
        assertThat(outcome.status()).isEqualTo(status);
        assertThat(outcome.errors()).contains(text).startsWith("faultline: ").endsWith("\n");
        assertThat(outcome.errors().lines()).hasSize(1);
        assertThat(outcome.output()).isEmpty();
    }

    @Test
    void statusIsTheGuests() throws Exception {
        assertThat(faultline("run", program("exit_status")).status()).isEqualTo(0x34);
    }

    @Test
    void outputThatCannotBeWrittenIsTold() throws Exception {
        Path full = Path.of("/dev/full");

        oneLine(faultlineTo(full, "--help"), 125, "standard output: No space left on device");
        oneLine(faultlineTo(full, "doctor"), 125, "standard output: No space left on device");
        assertThat(faultlineTo(full, "run", "--mem", "64M", program("exit_status"))
                        .status())
                .isEqualTo(0x34);
    }

    @Test
    void aSignalsNumberIsAddedTo128() throws Exception {
        assertThat(faultline("run", program("killed"), "9").status()).isEqualTo(137);
    }

    @Test
    void optionsBehindTheProgramBelongToTheGuest() throws Exception {
        Outcome outcome = faultline("run", "--mem", "64M", program("arguments"), "--help", "--mem", "@file", "-x");

        assertThat(outcome.output()).contains("argv[1] = --help", "argv[2] = --mem", "argv[3] = @file", "argv[4] = -x");
        assertThat(outcome.output()).contains("FAULTLINE_TEST=from the environment");
        assertThat(outcome.status()).isEqualTo(45);
    }

    @Test
    void envSetsReplacesAndRemoves() throws Exception {
        Outcome outcome =
                faultline("run", "--env", "FAULTLINE_TEST=given", "-E", "FAULTLINE_TEST_2=a=b", program("arguments"));

        assertThat(outcome.output())
                .contains("FAULTLINE_TEST=given\n", "FAULTLINE_TEST_2=a=b\n")
                .doesNotContain("from the");
        assertThat(faultline("run", "--env", "FAULTLINE_TEST", program("arguments"))
                        .output())
                .doesNotContain("FAULTLINE_TEST=");
    }

    @Test
    void aRootConfinesTheGuest() throws Exception {
        Path root = Files.createDirectory(directory.resolve("root"));
        Files.copy(TestPrograms.program("hello"), root.resolve("hello"));

        assertThat(faultline("run", "--root", root.toString(), "/hello").output())
                .isEqualTo("hello, world\n");
        oneLine(faultline("run", "--root", root.toString(), program("hello")), 127, "hello");
        oneLine(faultline("run", "--root", root + "/hello", "/hello"), 125, "not a directory");
    }

    @Test
    void programsThatCannotRunEndAsInAShell() throws Exception {
        Path plain = Files.writeString(directory.resolve("plain"), "no program\n");

        oneLine(faultline("run", "/no/such/program"), 127, "/no/such/program");
        oneLine(faultline("run", "no-such-program-anywhere"), 127, "not found");
        oneLine(faultline("run", directory.toString()), 126, "is a directory");
        oneLine(faultline("run", plain.toString()), 126, "permission denied");
        assertThat(plain.toFile().setExecutable(true)).isTrue();
        oneLine(faultline("run", plain.toString()), 126, "plain");
    }

    @Test
    void badOptionsAreOneLine() throws Exception {
        oneLine(faultline("run"), 125, "PROGRAM");
        oneLine(faultline("run", "--memory", "1G", "x"), 125, "--memory");
        oneLine(faultline("run", "--mem", "lots", "x"), 125, "lots");
        oneLine(faultline("run", "--mem", "1K", "x"), 125, "--mem");
        oneLine(faultline("run", "--ptl", "none", "x"), 125, "--ptl");
        oneLine(faultline("juggle"), 125, "juggle");
        oneLine(faultline(), 125, "faultline run PROGRAM");
    }

    @Test
    void helpAndVersionAreOnStandardOutput() throws Exception {
        assertThat(faultline("--help").output()).contains("Usage: faultline", "run", "trace", "doctor");
        assertThat(faultline("run", "--help").output()).contains("--mem", "--root", "--env", "--stats", "--seed");
        Outcome version = faultline("--version");
        assertThat(version.output()).startsWith("faultline ");
        assertThat(version.status()).isZero();
    }

    @Test
    void statsTellWhatTheMachineDid() throws Exception {
        Outcome outcome = faultline("run", "--stats", program("fresh_write"));

        assertThat(outcome.status()).isZero();
        assertThat(outcome.errors())
                .contains("faults", "minor", "new page", "tlb", "fills", "system calls", "getrusage", "peak");
    }

    @Test
    void traceWritesALineAFault() throws Exception {
        Path lines = directory.resolve("trace");
        Outcome outcome = faultline("trace", "-o", lines.toString(), program("fresh_write"));

        assertThat(outcome.status()).isZero();
        List<String> text = Files.readAllLines(lines);
        // 512 pages, twice
        assertThat(text.stream()
                        .filter(line -> line.contains("minfault") && line.contains("new page"))
                        .count())
                .isGreaterThanOrEqualTo(1024);
        assertThat(text).anyMatch(line -> line.contains("[measure+0x") || line.contains("[write_pages+0x"));
    }

    @Test
    void doctorFindsTheMachineHealthy() throws Exception {
        Outcome outcome = faultline("doctor");

        assertThat(outcome.output()).contains("libunicorn", "trial guest").doesNotContain("BAD");
        assertThat(outcome.status()).isZero();
    }

    @Test
    void completionIsAScript() throws Exception {
        assertThat(faultline("generate-completion").output()).contains("complete -F", "faultline");
    }
}
