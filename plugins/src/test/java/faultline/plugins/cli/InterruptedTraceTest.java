package faultline.plugins.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.jr.ob.JSON;
import faultline.emulator.cli.Start;
import faultline.plugins.weave.WovenWorld;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Traces that do not go as planned. Ctrl-C while a guest is traced: the guest gets the signal, the trace is whole, and
 * its table is printed. No room for the trace: one line.
 */
class InterruptedTraceTest {
    private static final int SIGINT_STATUS = 128 + 2;

    @TempDir
    Path dir;

    private Process start(Path trace, Path errors) throws IOException {
        return new ProcessBuilder(List.of(
                        System.getProperty("java.home") + "/bin/java",
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Start.class.getName(),
                        "trace",
                        "--mem=64M",
                        "--summary",
                        "--format=jsonl",
                        "-e",
                        "fault,syscall",
                        "-o",
                        trace.toString(),
                        WovenWorld.program("echo_stdin")))
                .redirectError(errors.toFile())
                .start();
    }

    @Test
    void traceEndsWithTheGuestThatTheKeyboardInterrupts() throws Exception {
        Path trace = dir.resolve("trace.jsonl");
        Path errors = dir.resolve("errors");
        Process process = start(trace, errors);
        // the guest has echoed something: it is beyond its start, and reads again
        process.getOutputStream().write("hello\n".getBytes(StandardCharsets.US_ASCII));
        process.getOutputStream().flush();
        assertThat(process.getInputStream().read()).as(Files.readString(errors)).isPositive();
        String pid = Long.toString(process.pid());
        assertThat(new ProcessBuilder("kill", "-INT", pid).start().waitFor()).isZero();
        assertThat(process.waitFor(10, TimeUnit.MINUTES)).isTrue();
        assertThat(process.exitValue()).as(Files.readString(errors)).isEqualTo(SIGINT_STATUS);
        assertThat(errors).content().contains("page faults: ", "% time");
        List<String> lines = Files.readAllLines(trace);
        assertThat(lines).hasSizeGreaterThan(20);
        for (String line : lines) {
            assertThat(JSON.std.mapFrom(line)).containsKeys("time", "event");
        }
    }

    @Test
    void aFullDiskIsOneLineOfTrouble() throws Exception {
        Path errors = dir.resolve("errors");
        Process process = start(Path.of("/dev/full"), errors);
        process.getOutputStream().close();
        assertThat(process.waitFor(10, TimeUnit.MINUTES)).isTrue();
        assertThat(process.exitValue()).isEqualTo(125);
        assertThat(Files.readAllLines(errors))
                .filteredOn(line -> line.startsWith("faultline: "))
                .containsExactly("faultline: the trace cannot be written: No space left on device");
    }
}
