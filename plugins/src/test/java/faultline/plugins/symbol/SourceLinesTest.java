package faultline.plugins.symbol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import faultline.plugins.weave.WovenWorld;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Lines of programs that gcc built, against what binutils' {@code readelf} says of them. */
class SourceLinesTest {
    private static final Path READELF = Path.of("/usr/bin/readelf");
    /** File, line or the end of a sequence, address. */
    private static final Pattern ROW = Pattern.compile("(?m)^(\\S+) +(\\d+|-) +(0x[0-9a-f]+)");

    private static final String NONE = "none";
    /** Where ld links programs that are not relocated, and their code in them. */
    private static final long BASE = 0x400000;

    private static final long TEXT = 0x401000;

    @TempDir
    Path dir;

    private String output(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(text).isZero();
        return text;
    }

    /** Where each line begins, as readelf decodes the tables. */
    private TreeMap<Long, String> reference(Path program) throws Exception {
        var rows = new TreeMap<Long, String>();
        long last = 0;
        Matcher row = ROW.matcher(output(READELF.toString(), "-W", "--debug-dump=decodedline", program.toString()));
        while (row.find()) {
            long address = Long.decode(row.group(3));
            boolean end = row.group(2).equals("-");
            // the next sequence may begin where this one ends, and have been read before
            if (address != 0 && !(end && last != address && rows.containsKey(address))) {
                rows.put(address, end || row.group(2).equals("0") ? NONE : row.group(1) + ":" + row.group(2));
            }
            last = address;
        }
        return rows;
    }

    /** Compares each byte of a stretch of code. */
    private void compare(Path program, long length) throws Exception {
        assumeTrue(Files.isExecutable(READELF), "no readelf here: install the package binutils");
        var map = new ModuleMap();
        map.put(1, TEXT, TEXT + length, TEXT - BASE, "program", program);
        TreeMap<Long, String> rows = reference(program);
        int told = 0;
        for (long address = TEXT; address < TEXT + length; address++) {
            var line = map.line(1, address);
            var expected = rows.floorEntry(address);
            assertThat(line == null ? NONE : line.toString())
                    .as("at 0x%x", address)
                    .isEqualTo(expected == null ? NONE : expected.getValue());
            told += line == null ? 0 : 1;
        }
        assertThat(told).isPositive();
    }

    @ParameterizedTest
    @ValueSource(strings = {"read_then_write", "signals", "private_file"})
    void linesOfGuestProgramsAreThoseThatReadelfDecodes(String name) throws Exception {
        compare(Path.of(WovenWorld.program(name)), 0x2000);
    }

    private Path compile(String... flags) throws Exception {
        Path source = Files.writeString(dir.resolve("small.c"), """
                static volatile int counter;
                __attribute__((noinline)) int work(int n) {
                    for (int i = 0; i < n; i++)
                        counter += i * n;
                    return counter;
                }
                int main(void) {
                    return work(3) == 9 ? 0 : 1;
                }
                """);
        Path program = dir.resolve("small");
        output(Stream.concat(
                        Stream.of("gcc", "-O1", "-no-pie", "-o", program.toString(), source.toString()),
                        Stream.of(flags))
                .toArray(String[]::new));
        return program;
    }

    @ParameterizedTest
    @ValueSource(strings = {"-gdwarf-2", "-gdwarf-3", "-gdwarf-4", "-gdwarf-5", "-g -gz=zlib", "-g -gdwarf64"})
    void everyVersionAndFormOfGccIsRead(String flags) throws Exception {
        compare(compile(flags.split(" ")), 0x200);
    }

    @Test
    void programWithoutDebuggingInformationHasNoLines() throws Exception {
        Path program = compile("-g0");
        var map = new ModuleMap();
        map.put(1, TEXT, TEXT + 0x1000, 0x1000, "small", program);
        assertThat(map.line(1, TEXT + 0x10)).isNull();
        assertThat(map.place(1, TEXT + 0x10)).doesNotContain(".c:");
    }

    @Test
    void fileThatIsNoProgramHasNoLines() throws IOException {
        Path file = Files.writeString(dir.resolve("text"), "x".repeat(100));
        var map = new ModuleMap();
        map.put(1, 0x1000, 0x2000, 0, "text", file);
        assertThat(map.line(1, 0x1010)).isNull();
    }
}
