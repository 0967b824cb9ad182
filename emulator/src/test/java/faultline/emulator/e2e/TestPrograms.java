package faultline.emulator.e2e;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The programs of the module {@code testbins}. */
final class TestPrograms {
    private TestPrograms() {}

    /** The project's directory, found from wherever Maven runs the tests. */
    static Path project() {
        Path directory = Path.of("").toAbsolutePath();
        while (directory != null && !Files.isDirectory(directory.resolve("testbins/src"))) {
            directory = directory.getParent();
        }
        if (directory == null) {
            throw new IllegalStateException("testbins/src is nowhere above the working directory");
        }
        return directory;
    }

    /** The built program of that name. */
    static Path program(String name) {
        return project().resolve("testbins/target/bin").resolve(name);
    }

    /** Names of all programs below some directories of testbins/src that were built. */
    static List<String> names(String... directories) {
        return Stream.of(directories).flatMap(TestPrograms::sources).sorted().toList();
    }

    private static Stream<String> sources(String directory) {
        try (Stream<Path> files = Files.list(project().resolve("testbins/src").resolve(directory))) {
            return files
                    .map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".c") || name.endsWith(".S"))
                    .map(name -> name.substring(0, name.length() - 2))
                    .toList()
                    .stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
