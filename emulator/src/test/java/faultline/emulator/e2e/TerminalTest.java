package faultline.emulator.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A user at a terminal, with a shell in Faultline: keys, jobs, the window's size, the terminal's settings. */
class TerminalTest {
    private static final String JAVA =
            Path.of(System.getProperty("java.home"), "bin", "java").toString();
    private static final String CTRL_C = "\003";
    private static final String CTRL_D = "\004";
    private static final String CTRL_Z = "\032";
    private static final String CTRL_BACKSLASH = "\034";
    private static final String PROMPT = "ready> ";
    private static final int SECONDS = 60;

    private Pty terminal;
    private Process emulator;

    @BeforeEach
    void open() {
        terminal = new Pty();
    }

    @AfterEach
    void close() {
        if (emulator != null) {
            emulator.descendants().forEach(ProcessHandle::destroyForcibly);
            emulator.destroyForcibly();
        }
        terminal.close();
    }

    /** Starts a guest whose controlling terminal is ours. */
    private void run(String... guest) throws IOException {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/setsid")), "no setsid (Debian: util-linux)");
        List<String> command = new ArrayList<>(List.of(
                "/usr/bin/setsid",
                "--ctty",
                "--wait",
                JAVA,
                "-XX:+UseSerialGC",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                "faultline.emulator.cli.Start",
                "run",
                "-E",
                "PS1=" + PROMPT,
                "-E",
                "HISTFILE=/dev/null",
                "-E",
                "LC_ALL=C"));
        command.addAll(List.of(guest));
        emulator = new ProcessBuilder(command)
                .redirectInput(terminal.path())
                .redirectOutput(terminal.path())
                .redirectError(terminal.path())
                .start();
    }

    private void shell() throws IOException {
        assumeTrue(Files.isExecutable(Path.of("/bin/bash")), "no bash");
        run("/bin/bash", "--norc", "--noediting", "-i");
        terminal.until(PROMPT);
    }

    private String answer(String line) {
        terminal.type(line + "\n");
        terminal.until("\n");
        String shown = terminal.until(PROMPT);
        return shown.substring(0, shown.length() - PROMPT.length());
    }

    /** Starts a job that says when it runs, and presses a key. */
    private String interrupted(String key) {
        terminal.type("sh -c 'echo star\"\"ted; exec sleep 100'\n");
        terminal.until("started");
        terminal.type(key);
        return terminal.until(PROMPT);
    }

    private int status() throws InterruptedException {
        assertThat(emulator.waitFor(SECONDS, TimeUnit.SECONDS))
                .as("ended in time")
                .isTrue();
        return emulator.exitValue();
    }

    @Test
    void keysReachTheForegroundGroupAndNotTheShell() throws Exception {
        shell();

        interrupted(CTRL_C);
        assertThat(answer("echo $?")).isEqualTo("130\n");
        assertThat(interrupted(CTRL_BACKSLASH)).contains("Quit");
        assertThat(answer("echo $?")).isEqualTo("131\n");
        terminal.type("exit 5\n");
        assertThat(status()).isEqualTo(5);
    }

    @Test
    void jobsStopAndGoOn() throws Exception {
        shell();

        // It says that it goes on: by then it has the terminal, and the key is for it. It starts no program: a shell
        // whose
        // child is stopped between vfork and exec stops with it, on Linux too, and nobody is told.
        terminal.type("sh -c 'trap \"echo \\$((1000*4567))\" CONT; echo star\"\"ted; while :; do :; done'\n");
        terminal.until("started");
        terminal.type(CTRL_Z);
        assertThat(terminal.until(PROMPT)).contains("Stopped");
        assertThat(answer("jobs")).contains("[1]+  Stopped");
        terminal.type("fg\n");
        terminal.until("4567000");
        terminal.type(CTRL_C);
        terminal.until(PROMPT);
        assertThat(answer("echo $?")).isEqualTo("130\n");

        assertThat(interrupted(CTRL_Z)).contains("Stopped");
        assertThat(answer("bg")).startsWith("[1]+ ").contains(" &");
        assertThat(answer("jobs")).contains("Running");
        assertThat(answer("kill %1; wait %1; echo $?")).contains("143");
        assertThat(answer("cat & wait %1; jobs; kill -9 %1")).contains("Stopped");
        terminal.type(CTRL_D);
        terminal.type("exit\n");
        assertThat(status()).isBetween(0, 137);
    }

    @Test
    void theWindowsSizeIsTheHosts() throws Exception {
        terminal.resize(33, 101);
        run("/bin/sh", "-c", "trap 'stty size; exit 7' WINCH; stty size; while :; do sleep 0.05; done");
        terminal.until("33 101");
        terminal.resize(50, 120);
        terminal.until("50 120");
        assertThat(status()).isEqualTo(7);
    }

    @Test
    void settingsStayWhenAProgramExitsAndComeBackWhenASignalKillsIt() throws Exception {
        String before = terminal.settings();

        run("/bin/sh", "-c", "stty raw -echo; exit 3");
        assertThat(status()).isEqualTo(3);
        String changed = terminal.settings();
        assertThat(changed).isNotEqualTo(before);
        run("/bin/sh", "-c", "stty sane; kill -9 $$");
        assertThat(status()).isEqualTo(137);
        assertThat(terminal.settings()).isEqualTo(changed);
    }
}
