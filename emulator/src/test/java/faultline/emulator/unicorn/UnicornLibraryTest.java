package faultline.emulator.unicorn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where the library is looked for, and what the user is told when it is not there. */
class UnicornLibraryTest {
    @TempDir
    private Path directory;

    @Test
    void loadedLibraryIsNewEnoughAndTellsItsVersion() {
        UnicornLibrary library = UnicornLibrary.load();
        assertThat(library.version()).isGreaterThanOrEqualTo(UnicornLibrary.OLDEST);
        assertThat(library.versionText()).matches("2\\.\\d+\\.\\d+");
        assertThat(UnicornLibrary.load()).isSameAs(library);
    }

    @Test
    void missingFileThatTheUserNamedIsAnErrorThatSaysWhatToDo() {
        assertThatThrownBy(
                        () -> UnicornLibrary.explicit(directory.resolve("no.so").toString()))
                .isInstanceOf(UnicornUnavailableException.class)
                .hasMessageContaining("no.so")
                .hasMessageContaining("not a file")
                .hasMessageContaining("libunicorn2t64");
    }

    @Test
    void fileThatIsNoLibraryIsAnErrorThatSaysSo() throws IOException {
        Path text = Files.writeString(directory.resolve("text.so"), "not a library");
        assertThatThrownBy(() -> UnicornLibrary.explicit(text.toString()))
                .isInstanceOf(UnicornUnavailableException.class)
                .hasMessageContaining("cannot be loaded");
    }

    @Test
    void nothingAnywhereIsOneErrorThatSaysWhatToInstall() {
        assertThatThrownBy(() -> UnicornLibrary.search(List.of("libunicorn-that-is-not-there.so.2"), List.of()))
                .isInstanceOf(UnicornUnavailableException.class)
                .hasMessageContaining("not found")
                .hasMessageContaining("FAULTLINE_UNICORN");
    }

    @Test
    void searchSkipsWhatCannotBeLoaded() {
        Path real = Path.of(UnicornLibrary.load().location());
        List<Path> files = real.isAbsolute() ? List.of(directory.resolve("gone.so"), real) : List.of();
        List<String> names = real.isAbsolute() ? List.of() : List.of("libgone.so.2", real.toString());
        assertThat(UnicornLibrary.search(names, files).location()).isEqualTo(real.toString());
    }

    @Test
    void cacheIsSearchedNewestFirst() throws IOException {
        String name = System.getProperty("os.name").contains("Mac") ? "libunicorn.2.dylib" : "libunicorn.so.2";
        Path old = Files.writeString(
                Files.createDirectories(directory.resolve("a/lib")).resolve(name), "");
        Path fresh = Files.writeString(
                Files.createDirectories(directory.resolve("b/usr/lib")).resolve(name), "");
        Files.setLastModifiedTime(old, FileTime.fromMillis(1_000));
        assertThat(UnicornLibrary.cached(directory)).containsExactly(fresh, old);
        assertThat(UnicornLibrary.cached(directory.resolve("none"))).isEmpty();
    }
}
