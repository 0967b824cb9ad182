package faultline.plugins.symbol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A stripped program whose functions and lines are in another file, wherever a debugger would find it. */
class DebugFileTest {
    /** Where ld links the code of programs that are not relocated, and where it is in the file. */
    private static final long TEXT = 0x401000;

    private static final long OFFSET = 0x1000;

    @TempDir
    Path dir;

    private Path program;
    private Path debug;
    private Path directory;

    private static void run(Object... command) throws Exception {
        Process process = new ProcessBuilder(
                        List.of(command).stream().map(Object::toString).toList())
                .redirectErrorStream(true)
                .start();
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(text).isZero();
    }

    @BeforeEach
    void compile() throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/gcc")) && Files.isExecutable(Path.of("/usr/bin/objcopy")));
        Path bin = Files.createDirectories(dir.resolve("bin"));
        directory = Files.createDirectories(dir.resolve("debug"));
        Path source = Files.writeString(bin.resolve("small.c"), """
                static int inner(int a)
                {
                    return a + 1;
                }
                void _start(void)
                {
                    for (;;)
                        inner(1);
                }
                """);
        program = bin.resolve("small");
        debug = dir.resolve("small.debug");
        run("gcc", "-g", "-O0", "-nostdlib", "-static", "-no-pie", "-Wl,--build-id=0xab12cd34", "-o", program, source);
        run("objcopy", "--only-keep-debug", program, debug);
        run("objcopy", "--strip-all", program);
    }

    private void link() throws Exception {
        run("objcopy", "--remove-section=.note.gnu.build-id", "--add-gnu-debuglink=" + debug, program);
    }

    private String place() {
        var map = new ModuleMap(List.of(directory));
        map.put(1, TEXT, TEXT + 0x1000, OFFSET, "small", program);
        return map.place(1, TEXT + 4);
    }

    private void move(Path to) throws IOException {
        Files.createDirectories(to.getParent());
        Files.move(debug, to);
    }

    private void isFound() {
        assertThat(place()).matches("inner\\+0x4 .*small.c:[123]");
    }

    @Test
    void withoutItsFileAStrippedProgramHasNoNames() {
        assertThat(place()).isEqualTo("small+0x1004");
    }

    @Test
    void fileIsFoundByItsBuildId() throws IOException {
        move(directory.resolve(".build-id/ab/12cd34.debug"));
        isFound();
    }

    @Test
    void linkedFileIsFoundBesideTheProgram() throws Exception {
        link();
        move(program.resolveSibling("small.debug"));
        isFound();
    }

    @Test
    void linkedFileIsFoundInTheHiddenDirectoryBesideTheProgram() throws Exception {
        link();
        move(program.resolveSibling(".debug").resolve("small.debug"));
        isFound();
    }

    @Test
    void linkedFileIsFoundByTheProgramsPathBelowTheDirectory() throws Exception {
        link();
        move(directory.resolve(program.getParent().toString().substring(1)).resolve("small.debug"));
        isFound();
    }

    @Test
    void linkedFileWithAnotherChecksumIsOfAnotherBuild() throws Exception {
        link();
        Path beside = program.resolveSibling("small.debug");
        move(beside);
        Files.write(beside, new byte[] {0}, java.nio.file.StandardOpenOption.APPEND);
        assertThat(place()).isEqualTo("small+0x1004");
    }

    @Test
    void fileThatIsNoElfFileIsPassedOver() throws IOException {
        Path found = directory.resolve(".build-id/ab/12cd34.debug");
        Files.createDirectories(found.getParent());
        Files.writeString(found, "x".repeat(100));
        assertThat(place()).isEqualTo("small+0x1004");
    }
}
