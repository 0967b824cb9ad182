package faultline.emulator.unicorn;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * The shared library: where it is, which version it is.
 *
 * <p>Looked for, in this order: the path in the system property {@code faultline.unicorn}, the path in the environment
 * variable {@code FAULTLINE_UNICORN}, the system's library, and the newest one in the user's cache,
 * {@code ${XDG_CACHE_HOME:-~/.cache}/faultline/unicorn}. A path that the user gave is never silently replaced by
 * another. Versions before 2.1.4 are refused: stopping them from another thread corrupts the guest's registers, and
 * they crash when their code buffer is full.
 */
public final class UnicornLibrary {
    /** The oldest version that works, as {@code major << 24 | minor << 16 | patch << 8}. */
    public static final int OLDEST = 2 << 24 | 1 << 16 | 4 << 8;

    static final String ADVICE = "Install libunicorn 2.1.4 or later (Debian 14/Ubuntu: libunicorn2t64, Fedora: unicorn,"
            + " macOS: brew install unicorn), or set FAULTLINE_UNICORN to the library's path";

    private static final boolean MAC =
            System.getProperty("os.name").toLowerCase(Locale.ROOT).contains("mac");
    private static final int CACHE_DEPTH = 8;

    private static UnicornLibrary loaded;

    private final SymbolLookup symbols;
    private final String location;
    private final int version;

    private UnicornLibrary(SymbolLookup symbols, String location, int version) {
        this.symbols = symbols;
        this.location = location;
        this.version = version;
    }

    /**
     * The library, loaded at the first call.
     *
     * @throws UnicornUnavailableException with a text that says what to do
     */
    public static synchronized UnicornLibrary load() {
        if (loaded == null) {
            String given = System.getProperty("faultline.unicorn", System.getenv("FAULTLINE_UNICORN"));
            loaded = given != null && !given.isEmpty()
                    ? explicit(given)
                    : search(systemNames(), cached(cacheDirectory()));
        }
        return loaded;
    }

    /** The library at a path the user named. */
    static UnicornLibrary explicit(String path) {
        Path file = Path.of(path);
        if (!Files.isRegularFile(file)) {
            throw new UnicornUnavailableException(
                    "libunicorn: FAULTLINE_UNICORN names " + path + ", which is not a file. " + ADVICE + ".", null);
        }
        UnicornLibrary library;
        try {
            library = open(file.toAbsolutePath().toString());
        } catch (IllegalArgumentException e) {
            throw new UnicornUnavailableException(
                    "libunicorn: " + path + " cannot be loaded: " + e.getMessage() + ". " + ADVICE + ".", e);
        }
        if (!library.isNewEnough()) {
            throw new UnicornUnavailableException(
                    "libunicorn: " + path + " is version " + library.versionText() + ", too old. " + ADVICE + ".",
                    null);
        }
        return library;
    }

    /** The first library of the names and files that can be loaded and is new enough. */
    static UnicornLibrary search(List<String> names, List<Path> files) {
        List<String> candidates = new ArrayList<>(names);
        files.forEach(file -> candidates.add(file.toString()));
        List<String> tooOld = new ArrayList<>();
        for (String candidate : candidates) {
            try {
                UnicornLibrary library = open(candidate);
                if (library.isNewEnough()) {
                    return library;
                }
                tooOld.add(candidate + " is version " + library.versionText());
            } catch (IllegalArgumentException e) {
                continue; // not there: the next one may be
            }
        }
        String found = tooOld.isEmpty() ? "not found" : "too old: " + String.join(", ", tooOld);
        throw new UnicornUnavailableException("libunicorn 2.1.4 or later " + found + ". " + ADVICE + ".", null);
    }

    private static UnicornLibrary open(String nameOrPath) {
        SymbolLookup symbols = nameOrPath.indexOf('/') < 0
                ? SymbolLookup.libraryLookup(nameOrPath, Arena.global())
                : SymbolLookup.libraryLookup(Path.of(nameOrPath), Arena.global());
        MemorySegment function = symbols.find("uc_version")
                .orElseThrow(() -> new IllegalArgumentException("it has no function uc_version"));
        try {
            int version = (int) Linker.nativeLinker()
                    .downcallHandle(
                            function,
                            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG))
                    .invokeExact(0L, 0L);
            return new UnicornLibrary(symbols, nameOrPath, version & 0xffffff00);
        } catch (Throwable e) {
            throw new IllegalStateException("uc_version", e);
        }
    }

    private static List<String> systemNames() {
        return MAC
                ? List.of(
                        "libunicorn.2.dylib",
                        "/opt/homebrew/lib/libunicorn.2.dylib",
                        "/usr/local/lib/libunicorn.2.dylib")
                : List.of("libunicorn.so.2", "/usr/local/lib/libunicorn.so.2");
    }

    static Path cacheDirectory() {
        String xdg = System.getenv("XDG_CACHE_HOME");
        Path cache = xdg != null && !xdg.isEmpty() ? Path.of(xdg) : Path.of(System.getProperty("user.home"), ".cache");
        return cache.resolve("faultline").resolve("unicorn");
    }

    /** Libraries below a directory, the most recently written first. */
    static List<Path> cached(Path directory) {
        if (!Files.isDirectory(directory)) {
            return List.of();
        }
        String name = MAC ? "libunicorn.2.dylib" : "libunicorn.so.2";
        try (Stream<Path> files = Files.find(
                directory,
                CACHE_DEPTH,
                (file, attributes) -> file.getFileName().toString().equals(name))) {
            return files.sorted(Comparator.comparing(UnicornLibrary::modified).reversed())
                    .toList();
        } catch (IOException e) {
            throw new UnicornUnavailableException("libunicorn: cannot read " + directory + ": " + e.getMessage(), e);
        }
    }

    private static long modified(Path file) {
        try {
            return Files.getLastModifiedTime(file).toMillis();
        } catch (IOException e) {
            return 0; // vanished meanwhile: tried last
        }
    }

    MemorySegment function(String name) {
        return symbols.find(name)
                .orElseThrow(() -> new UnicornUnavailableException(
                        "libunicorn: " + location + " lacks the function " + name + ". " + ADVICE + ".", null));
    }

    boolean isNewEnough() {
        return Integer.compareUnsigned(version, OLDEST) >= 0;
    }

    /** The name or path it was loaded by. */
    public String location() {
        return location;
    }

    /** The version as {@code major << 24 | minor << 16 | patch << 8}. */
    public int version() {
        return version;
    }

    /** The version as people write it, for example "2.1.4". */
    public String versionText() {
        return (version >>> 24) + "." + (version >>> 16 & 0xff) + "." + (version >>> 8 & 0xff);
    }
}
