package faultline.emulator.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code --core}: what a fatal signal leaves, read by us and, where there is one, by gdb. */
class CoreDumpTest {
    private static final String JAVA =
            Path.of(System.getProperty("java.home"), "bin", "java").toString();
    private static final int SECONDS = 60;
    private static final long AREA = 0x1000_0000_0000L;
    private static final long PAGE = 4096;
    private static final int SEGV = 128 + 11;
    private static final int ABRT = 128 + 6;

    @TempDir
    Path directory;

    private Path program;
    private Path core;

    @BeforeEach
    void find() {
        program = TestPrograms.program("core_crash");
        core = directory.resolve("core");
        assumeTrue(Files.exists(program), program + " was not built: testbins/build.sh says why");
    }

    private String run(Path output, List<String> command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectOutput(output.toFile())
                .redirectError(directory.resolve("errors").toFile())
                .start();
        process.getOutputStream().close();
        assertThat(process.waitFor(SECONDS, TimeUnit.SECONDS))
                .as("ended in time")
                .isTrue();
        return process.exitValue() + "\n" + Files.readString(output, StandardCharsets.ISO_8859_1);
    }

    /** Runs the program and has it dumped. */
    private void crash(String how, int status) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                JAVA,
                "-XX:+UseSerialGC",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                "faultline.emulator.cli.Start",
                "run",
                "--core",
                core.toString(),
                program.toString(),
                how));
        assertThat(run(directory.resolve("output"), command)).isEqualTo(status + "\nbefore\n");
        assertThat(directory.resolve("errors")).isEmptyFile();
        assertThat(core).isRegularFile();
    }

    private String gdb(String... commands) throws IOException, InterruptedException {
        Path gdb = Path.of("/usr/bin/gdb");
        assumeTrue(Files.isExecutable(gdb), "no gdb here (Debian: gdb)");
        List<String> command = new ArrayList<>(List.of(gdb.toString(), "-batch", "-nx"));
        for (String each : commands) {
            command.addAll(List.of("-ex", each));
        }
        command.addAll(List.of(program.toString(), core.toString()));
        return run(directory.resolve("gdb"), command);
    }

    @Test
    void gdbShowsWhereItDiedAndItsRegisters() throws Exception {
        crash("segv", SEGV);
        assertThat(gdb(
                        "bt",
                        "info registers",
                        "print landmark",
                        "print $xmm7.v2_double[0]",
                        "print $_siginfo.si_signo"))
                .contains("Program terminated with signal SIGSEGV")
                .containsSubsequence("innermost (depth=42)", "middle (depth=0)", "middle (depth=3)", "main (argc=2")
                .containsPattern("rip +0x[0-9a-f]+ +0x[0-9a-f]+ <innermost\\+")
                .containsPattern("cs +0x33 ")
                .contains("\"a landmark in the data\"")
                .contains("$2 = 0.75")
                .contains("$3 = 11");
    }

    @Test
    void gdbShowsEveryThread() throws Exception {
        crash("threads", SEGV);
        assertThat(gdb("thread apply all bt")).contains("sleeper (", "spinner (", "innermost (depth=42)");
    }

    @Test
    void anAbortIsDumpedToo() throws Exception {
        crash("abort", ABRT);
        assertThat(gdb("bt")).contains("SIGABRT").contains("main (argc=2");
    }

    @Test
    void anUntouchedAreaTakesNoRoomInTheFile() throws Exception {
        crash("huge", SEGV);
        assertThat(Files.size(core)).isGreaterThan(64L << 30);
        long blocks = blocksOf(core);
        assertThat(blocks * 512).as("bytes on the disk").isLessThan(4L << 20);
        assertThat(gdb("x/s 0x100800000000")).contains("in the middle of 64 GiB");
    }

    private static long blocksOf(Path file) throws IOException, InterruptedException {
        Process stat = new ProcessBuilder("stat", "-c", "%b", file.toString()).start();
        String text = new String(stat.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
        stat.waitFor();
        return Long.parseLong(text.strip());
    }

    @Test
    void mappingsAreDumpedByTheDefaultFilter() throws Exception {
        crash("mappings", SEGV);
        Map<Long, Long> sizes = new HashMap<>();
        Map<Long, String> texts = new HashMap<>();
        readSegments(sizes, texts);
        assertThat(texts.get(AREA)).as("private, without rights").isEqualTo("private");
        assertThat(sizes.get(AREA + 2 * PAGE)).as("MADV_DONTDUMP").isZero();
        assertThat(texts.get(AREA + 4 * PAGE)).as("shared memory").isEqualTo("shared");
        assertThat(sizes.get(AREA + 6 * PAGE)).as("a file").isZero();
        assertThat(texts.get(AREA + 8 * PAGE)).as("a file's private copy").isEqualTo("copy");
        assertThat(sizes.get(AREA + 10 * PAGE)).as("never touched").isZero();
    }

    /** Sizes in the file, and the text at the start, of each segment by its address. */
    private void readSegments(Map<Long, Long> sizes, Map<Long, String> texts) throws IOException {
        try (FileChannel file = FileChannel.open(core)) {
            ByteBuffer header = at(file, 0, 64);
            int count = header.getShort(56);
            for (int i = 0; i < count; i++) {
                ByteBuffer segment = at(file, header.getLong(32) + 56L * i, 56);
                if (segment.getInt(0) == 1) {
                    sizes.put(segment.getLong(16), segment.getLong(32));
                    texts.put(segment.getLong(16), text(at(file, segment.getLong(8), 16)));
                }
            }
        }
    }

    private static String text(ByteBuffer bytes) {
        String all = StandardCharsets.ISO_8859_1.decode(bytes.rewind()).toString();
        return all.substring(0, Math.max(0, all.indexOf('\0')));
    }

    private static ByteBuffer at(FileChannel file, long position, int bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        file.read(buffer, position);
        return buffer;
    }
}
