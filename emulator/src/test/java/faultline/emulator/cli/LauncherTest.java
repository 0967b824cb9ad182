package faultline.emulator.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * When the script {@code faultline} makes Java's start-up cache: in a copy of what it reads, with JDKs that only note
 * it.
 */
class LauncherTest {
    private static final Path ROOT = Path.of(System.getProperty("user.dir")).getParent();

    @TempDir
    private Path temporary;

    private Path checkout;
    private Path jdk;

    @BeforeEach
    void copyWhatTheLauncherReads() throws IOException {
        checkout = temporary.resolve("checkout");
        Files.createDirectories(checkout.resolve(".mvn"));
        Path libraries = Files.createDirectories(checkout.resolve("plugins/target/lib"));
        for (String name : List.of("faultline", ".mvn/jdk.sh", ".mvn/descriptors.sh")) {
            Files.copy(ROOT.resolve(name), checkout.resolve(name));
        }
        Files.createFile(libraries.resolve("emulator.jar"));
        // what was built is older than any cache, by more than a file system's clock ticks
        FileTime built = FileTime.fromMillis(System.currentTimeMillis() - TimeUnit.HOURS.toMillis(1));
        Files.setLastModifiedTime(Files.createFile(libraries.resolve("built")), built);
        jdk = jdk("jdk");
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
        Path moved = temporary.resolve("moved");
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
        Path other = jdk("other");
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
                    -XX:AOTCache=*) echo "ran with ${option#*=}"; exit 0 ;;
                    esac
                done
                echo "ran without a cache"
                """.formatted(temporary.resolve("made")));
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
        ProcessBuilder builder = new ProcessBuilder(
                        checkout.resolve("faultline").toString(), "run", "program")
                .redirectErrorStream(true);
        builder.environment().put("JAVA_HOME", javaHome.toString());
        builder.environment().put("FAULTLINE_NO_BUILD", "1");
        builder.environment().put("FAULTLINE_UNICORN", "/dev/null");
        builder.environment().remove("FAULTLINE_JAVA_OPTIONS");
        Process process = builder.start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes());
        assertThat(process.waitFor()).as(output).isZero();
        return output;
    }
}
