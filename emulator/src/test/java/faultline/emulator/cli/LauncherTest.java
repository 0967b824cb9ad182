package faultline.emulator.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What the script {@code faultline} starts, when it makes Java's start-up cache, and what it says when it cannot: in a
 * copy of what it reads, with JDKs that only note it. All paths have spaces in them.
 */
class LauncherTest {
    private static final Path ROOT = Path.of(System.getProperty("user.dir")).getParent();

    private static final int TROUBLE = 125;

    @TempDir
    private Path temporary;

    private Path checkout;
    private Path jdk;

    @BeforeEach
    void copyWhatTheLauncherReads() throws IOException {
        checkout = temporary.resolve("a checkout");
        Files.createDirectories(checkout.resolve(".mvn"));
        Path libraries = Files.createDirectories(checkout.resolve("plugins/target/lib"));
        for (String name : List.of("faultline", ".mvn/jdk.sh", ".mvn/descriptors.sh")) {
            Files.copy(ROOT.resolve(name), checkout.resolve(name));
        }
        Files.createFile(libraries.resolve("emulator.jar"));
        // what was built is older than any cache, by more than a file system's clock ticks
        FileTime built = FileTime.fromMillis(System.currentTimeMillis() - TimeUnit.HOURS.toMillis(1));
        Files.setLastModifiedTime(Files.createFile(libraries.resolve("built")), built);
        jdk = jdk("a jdk");
    }

    @Test
    void theCacheIsMadeOnceAndUsedFromThenOn() throws Exception {
        String usesIt = "ran with " + checkout.resolve("plugins/target/lib/faultline.aot") + "\n";
        assertThat(run(jdk)).isEqualTo(usesIt);
        assertThat(run(jdk)).isEqualTo(usesIt);
        assertThat(cachesMade()).isEqualTo(1);
    }

    @Test
    void aMovedCheckoutMakesItAnew() throws Exception {
        run(jdk);
        Path moved = temporary.resolve("a moved one");
        Files.move(checkout, moved);
        checkout = moved;
        run(jdk);
        assertThat(cachesMade()).isEqualTo(2);
        run(jdk);
        assertThat(cachesMade()).isEqualTo(2);
    }

    @Test
    void anotherJavaMakesItAnew() throws Exception {
        run(jdk);
        Path other = jdk("another jdk");
        run(other);
        assertThat(cachesMade()).isEqualTo(2);
        run(other);
        assertThat(cachesMade()).isEqualTo(2);
        run(jdk);
        assertThat(cachesMade()).isEqualTo(3);
    }

    @Test
    void aNewBuildMakesItAnew() throws Exception {
        run(jdk);
        FileTime later = FileTime.fromMillis(System.currentTimeMillis() + TimeUnit.HOURS.toMillis(1));
        Files.setLastModifiedTime(checkout.resolve("plugins/target/lib/built"), later);
        run(jdk);
        assertThat(cachesMade()).isEqualTo(2);
    }

    @Test
    void pathsAndArgumentsReachJavaAsTheyAre() throws Exception {
        run(jdk);
        assertThat(Files.readAllLines(temporary.resolve("words")))
                .contains(
                        "-Dfaultline.unicorn=/a library",
                        checkout.resolve("plugins/target/lib/emulator.jar").toString())
                .endsWith("faultline.emulator.cli.Start", "run", "program", "two  words", "", "*");
    }

    @Test
    void javaHasALocaleThatNamesAllFilesAndTheGuestItsOwn() throws Exception {
        assertThat(locale("LC_ALL", "C")).contains("-Dfaultline.locale=LC_ALL=C", "LC_ALL is C.UTF-8");
        assertThat(locale("LANG", "de_DE@euro")).contains("-Dfaultline.locale=", "LC_ALL is C.UTF-8");
        assertThat(locale("LANG", "de_DE.UTF-8")).contains("LC_ALL is ").noneMatch(word -> word.contains(".locale="));
        List<String> ofJava = List.of("LC_ALL=C.UTF-8", "HOME=/");
        assertThat(RawArguments.withLocale(ofJava, "LC_ALL=C")).containsExactly("LC_ALL=C", "HOME=/");
        assertThat(RawArguments.withLocale(ofJava, "")).containsExactly("HOME=/");
        assertThat(RawArguments.withLocale(ofJava, null)).isEqualTo(ofJava);
    }

    /** What Java is started with when one setting alone tells the locale. */
    private List<String> locale(String name, String value) throws Exception {
        ProcessBuilder builder = builder(jdk, checkout.resolve("faultline").toString(), "run", "program");
        builder.environment().keySet().removeAll(List.of("LC_ALL", "LC_CTYPE", "LANG"));
        builder.environment().put(name, value);
        output(builder, 0);
        return Files.readAllLines(temporary.resolve("words"));
    }

    @Test
    void aCheckoutThatJavaCannotNameIsOneLineOfTrouble() throws Exception {
        Path colon = temporary.resolve("a:b");
        Files.move(checkout, colon);
        checkout = colon;
        assertThat(trouble()).contains("colon", colon.toString());
    }

    @Test
    void nothingBuiltAndNoPlaceToBuildIsOneLineOfTrouble() throws Exception {
        Files.delete(checkout.resolve("plugins/target/lib/built"));
        Files.createFile(checkout.resolve("target"));
        assertThat(trouble()).contains("not built yet", "cannot be written");
    }

    @Test
    void aDirectoryThatIsGoneIsOneLineOfTrouble() throws Exception {
        Path gone = Files.createDirectory(temporary.resolve("gone"));
        ProcessBuilder builder = builder(jdk, "sh", "-c", "cd \"$1\" && rmdir \"$1\" && exec \"$2\" run program", "sh");
        builder.command()
                .addAll(List.of(gone.toString(), checkout.resolve("faultline").toString()));
        // the shell that runs the script has a word of its own
        assertThat(output(builder, TROUBLE).lines().filter(line -> line.startsWith("faultline: ")))
                .singleElement()
                .asString()
                .contains("current directory");
    }

    /** What the launcher says that starts nothing: one line. */
    private String trouble() throws Exception {
        String said = output(builder(jdk, checkout.resolve("faultline").toString(), "run", "program"), TROUBLE);
        assertThat(said.lines()).singleElement().asString().startsWith("faultline: ");
        return said;
    }

    /**
     * A directory that passes for a JDK; its java makes the cache that it is asked for, or tells which one it was
     * given.
     */
    private Path jdk(String name) throws IOException {
        Path home = temporary.resolve(name);
        Files.createDirectories(home.resolve("bin"));
        Files.writeString(home.resolve("release"), "JAVA_VERSION=\"25.0.1\"\n");
        program(home.resolve("bin/javac"), "exit 1");
        program(home.resolve("bin/java"), """
                for option; do
                    case $option in
                    -XX:AOTCacheOutput=*) echo cache > "${option#*=}"; echo made >> "%s"; exit 0 ;;
                    -XX:AOTCache=*) echo "ran with ${option#*=}" ;;
                    esac
                done
                printf '%%s\\n' "LC_ALL is ${LC_ALL:-}" "$@" > "%s"
                """.formatted(temporary.resolve("made"), temporary.resolve("words")));
        return home;
    }

    private long cachesMade() throws IOException {
        return Files.readAllLines(temporary.resolve("made")).size();
    }

    private static void program(Path path, String text) throws IOException {
        Files.writeString(path, "#!/bin/sh\n" + text);
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private String run(Path javaHome) throws Exception {
        String launcher = checkout.resolve("faultline").toString();
        return output(builder(javaHome, launcher, "run", "program", "two  words", "", "*"), 0);
    }

    private static ProcessBuilder builder(Path javaHome, String... command) {
        ProcessBuilder builder = new ProcessBuilder(new ArrayList<>(List.of(command))).redirectErrorStream(true);
        builder.environment().put("JAVA_HOME", javaHome.toString());
        builder.environment().put("FAULTLINE_NO_BUILD", "1");
        builder.environment().put("FAULTLINE_UNICORN", "/a library");
        builder.environment().remove("FAULTLINE_JAVA_OPTIONS");
        return builder;
    }

    private static String output(ProcessBuilder builder, int status) throws Exception {
        Process process = builder.start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes());
        assertThat(process.waitFor()).as(output).isEqualTo(status);
        return output;
    }
}
