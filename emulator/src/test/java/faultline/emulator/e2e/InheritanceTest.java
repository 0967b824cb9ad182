package faultline.emulator.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a shell opens, closes or ignores for a program reaches it, and nothing that Java or the launcher have open.
 */
class InheritanceTest {
    private static final int SECONDS = 60;

    @TempDir
    Path directory;

    @BeforeEach
    void input() throws IOException {
        Files.writeString(directory.resolve("in"), "0123456789");
    }

    /**
     * Runs a line of shell in which {@code $run} starts a program, with the launcher's own start when {@code emulated}.
     */
    private String shell(String line, boolean emulated) throws IOException, InterruptedException {
        Path launcher = Files.writeString(directory.resolve("launcher"), """
                . %s/descriptors.sh
                exec %s/bin/java -XX:+UseSerialGC --enable-native-access=ALL-UNNAMED -cp %s \\
                    -Dfaultline.descriptors=$inherited faultline.emulator.cli.Start "$@"
                """.formatted(
                        Path.of("../.mvn").toRealPath(),
                        System.getProperty("java.home"),
                        System.getProperty("java.class.path")));
        ProcessBuilder builder = new ProcessBuilder("sh", "-c", line)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("out").toFile());
        builder.environment().put("run", emulated ? "sh " + launcher + " run" : "");
        builder.environment().put("program", TestPrograms.program("inherited").toString());
        Process process = builder.start();
        process.getOutputStream().close();
        assertThat(process.waitFor(SECONDS, TimeUnit.SECONDS))
                .as("ended in time")
                .isTrue();
        return Files.readString(directory.resolve("out"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "$run $program 3< in 5> five 7>> seven; cat five",
                "exec 8< in; read -r x <&8; $run $program <&- 8<&8 9<&8",
                "$run $program 5> five >&-; cat five",
                "$run $program 2>&- 12<> in"
            })
    void aProgramHasWhatTheShellGaveIt(String line) throws Exception {
        assertThat(shell(line, true)).isEqualTo(shell(line, false));
    }

    @ParameterizedTest
    @ValueSource(strings = {"HUP", "INT", "HUP INT TERM USR1 CHLD TSTP"})
    void aSignalThatTheShellIgnoresIsIgnored(String signals) throws Exception {
        String line = "trap '' " + signals + "; exec $run $(command -v grep) SigIgn /proc/self/status";

        assertThat(ignored(shell(line, true))).isEqualTo(ignored(shell(line, false)));
    }

    /** The set of signals but for 32 and 33, which the C library of a program with threads keeps to itself. */
    private static long ignored(String line) {
        assertThat(line).startsWith("SigIgn:");
        return Long.parseUnsignedLong(line.substring(7).trim(), 16) & ~(3L << 31);
    }

    @Test
    void aPipeEndsWhenTheGuestHasClosedIt() throws Exception {
        String line =
                "$run $(command -v sh) -c 'exec 6>&-; read -r x < go' 6>&1 > /dev/null | { cat; echo ended; echo > go; }";
        assertThat(shell("mkfifo go; " + line, true)).isEqualTo("ended\n");
    }
}
