package faultline.mmu;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What documents and comments say is shown by a test, is: the tests and programs that they name exist. */
class NamedTestsTest {
    private static final Path ROOT = root();
    private static final List<String> MODULES = List.of("mmu", "emulator", "plugins");
    private static final Pattern TEST = Pattern.compile("\\b[A-Z]\\w*(?:Test|Properties)\\b");
    /** A program of testbins as its directory and name, in which a star stands for any letters. */
    private static final Pattern PROGRAM = Pattern.compile("`([a-z]+/[a-z0-9_*]+)`");

    private static Path root() {
        Path here = Path.of("").toAbsolutePath();
        return Files.isDirectory(here.resolve("mmu")) ? here : here.getParent();
    }

    private static Set<Path> files(Path directory, String ending) throws IOException {
        try (Stream<Path> all = Files.walk(directory)) {
            return new TreeSet<>(
                    all.filter(path -> path.toString().endsWith(ending)).toList());
        }
    }

    private static Set<String> tests() throws IOException {
        Set<String> names = new HashSet<>();
        for (String module : MODULES) {
            for (Path file : files(ROOT.resolve(module).resolve("src/test/java"), ".java")) {
                names.add(file.getFileName().toString().replace(".java", ""));
            }
        }
        return names;
    }

    private static Set<String> found(Pattern pattern, Path file) throws IOException {
        Set<String> found = new TreeSet<>();
        Matcher matcher = pattern.matcher(Files.readString(file));
        while (matcher.find()) {
            found.add(matcher.group(matcher.groupCount()));
        }
        return found;
    }

    @Test
    void everyTestNamedInADocumentExists() throws IOException {
        Set<String> tests = tests();
        for (String module : MODULES) {
            Path docs = ROOT.resolve(module).resolve("docs");
            for (Path document : Files.isDirectory(docs) ? files(docs, ".md") : Set.<Path>of()) {
                assertThat(tests).as("tests of %s", document).containsAll(found(TEST, document));
            }
        }
    }

    @Test
    void everyTestNamedInACommentExists() throws IOException {
        Set<String> tests = tests();
        for (String module : MODULES) {
            for (Path source : files(ROOT.resolve(module).resolve("src/main/java"), ".java")) {
                assertThat(tests).as("tests of %s", source).containsAll(found(TEST, source));
            }
        }
    }

    @Test
    void everyProgramNamedInTheTableOfRowsExists() throws IOException {
        Path programs = ROOT.resolve("testbins/src");
        Set<String> named = found(PROGRAM, ROOT.resolve("mmu/docs/rows-of-the-seeds.md"));
        assertThat(named).isNotEmpty();
        for (String name : named) {
            Pattern file = Pattern.compile(name.replace("*", "\\w*") + "\\.[cS]");
            assertThat(files(programs, ""))
                    .as(name)
                    .anyMatch(path ->
                            file.matcher(programs.relativize(path).toString()).matches());
        }
    }

    @Test
    void eachRowOfTheTableNamesATest() throws IOException {
        List<String> rows;
        try (Stream<String> lines = Files.lines(ROOT.resolve("mmu/docs/rows-of-the-seeds.md"))) {
            rows = lines.filter(line -> line.matches("\\| \\d+ \\|.*")).toList();
        }
        assertThat(rows)
                .hasSize(21)
                .allMatch(
                        row -> TEST.matcher(row).find() || PROGRAM.matcher(row).find());
    }
}
