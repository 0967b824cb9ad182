package faultline.emulator.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A mistake of the emulator's own, wherever it is made: one line, a log to report it with, status 125, no hang. */
class InternalErrorTest {
    private static final String JAVA =
            Path.of(System.getProperty("java.home"), "bin", "java").toString();
    private static final int SECONDS = 60;
    private static final Pattern LOG = Pattern.compile("please report it with (\\S+\\.log)\\)");

    @TempDir
    Path directory;

    private List<String> command(String part, int count, String... guest) {
        List<String> command = new ArrayList<>(List.of(
                JAVA,
                "-XX:+UseSerialGC",
                "--enable-native-access=ALL-UNNAMED",
                "-Djava.io.tmpdir=" + directory,
                "-cp",
                System.getProperty("java.class.path"),
                "faultline.emulator.cli.BrokenMachine",
                part,
                Integer.toString(count)));
        command.addAll(List.of(guest));
        return command;
    }

    /** Runs a spoiled machine to its orderly end and returns the line that it says. */
    private String line(String part, int count, String program) throws IOException, InterruptedException {
        Path errors = directory.resolve("errors");
        Process process = new ProcessBuilder(
                        command(part, count, TestPrograms.program(program).toString()))
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(errors.toFile())
                .start();
        boolean ended = process.waitFor(SECONDS, TimeUnit.SECONDS);
        process.destroyForcibly();
        assertThat(ended).as("ended in time").isTrue();
        assertThat(process.exitValue()).isEqualTo(125);
        String text = Files.readString(errors);
        assertThat(text.lines()).hasSize(1);
        assertThat(text).startsWith("faultline: internal error").contains("IllegalStateException: spoiled on purpose");
        return text;
    }

    private static String log(String line) throws IOException {
        Matcher matcher = LOG.matcher(line);
        assertThat(matcher.find()).as(line).isTrue();
        return Files.readString(Path.of(matcher.group(1)));
    }

    @Test
    void inAPageFaultThatHoldsAPageTableLock() throws Exception {
        String line = line("page", 20, "read_then_write");

        assertThat(line).contains("in task", "(read_then_write), guest code or its faults, entered at 0x");
        assertThat(log(line))
                .contains("java.lang.IllegalStateException: spoiled", "BrokenMachine$SpoiledTlb", "WriteProtectFault")
                .contains("command   faultline.emulator.cli.BrokenMachine", "main (");
    }

    @Test
    void inASystemCallThatHoldsTheMmapLockOfOtherThreadsToo() throws Exception {
        String line = line("range", 20, "address_space");

        assertThat(line).containsPattern("\\(address_space\\), system call (mprotect|mremap|munmap|mmap), at 0x");
        // Of the others those are left that wait for the lock: which, if any, is a matter of time.
        assertThat(log(line)).contains("BrokenMachine$SpoiledTlb", "TaskLoop", "main (");
    }

    @Test
    void inAThreadOfTheMachines() throws Exception {
        assertThat(line("timer", 1, "racy_counter")).contains("in thread faultline-timers");
    }

    @Test
    void beforeTheFirstInstruction() throws Exception {
        line("start", 1, "hello");
    }

    @Test
    void givesTheTerminalItsSettingsBack() throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/setsid")), "no setsid (Debian: util-linux)");
        try (Pty terminal = new Pty()) {
            String before = terminal.settings();
            List<String> command = new ArrayList<>(List.of("/usr/bin/setsid", "--ctty", "--wait"));
            command.addAll(command("timer", 2_000_000_000, "/bin/sh", "-c", "stty raw -echo; exit 0"));
            assertThat(onTerminal(terminal, command)).isZero();
            assertThat(terminal.settings()).isNotEqualTo(before);
            String changed = terminal.settings();

            // forks that follow stty's write-protect the shell's pages: a copy of one of them is the mistake
            command.removeAll(List.of("timer", "2000000000"));
            command.addAll(command.indexOf("/bin/sh"), List.of("page", "300"));
            command.set(command.size() - 1, "stty sane; while :; do (:); done");
            assertThat(onTerminal(terminal, command)).isEqualTo(125);
            assertThat(terminal.settings()).isEqualTo(changed);
        }
    }

    private static int onTerminal(Pty terminal, List<String> command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command)
                .redirectInput(terminal.path())
                .redirectOutput(terminal.path())
                .redirectError(terminal.path())
                .start();
        boolean ended = process.waitFor(SECONDS, TimeUnit.SECONDS);
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        assertThat(ended).as("ended in time").isTrue();
        return process.exitValue();
    }
}
