package faultline.plugins.spi;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.emulator.cli.Main;
import faultline.mmu.annotation.KernelFunction;
import faultline.plugins.weave.WovenWorld;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The example plugin's own Maven project, built by Maven as a stranger would: it sees what this build publishes, in a
 * repository of its own, and nothing else of it.
 */
class ExampleProjectTest {
    private static final String VERSION = "0.1.0-SNAPSHOT";
    private static final Path ROOT = root();

    @TempDir
    Path dir;

    private static Path root() {
        Path here = Path.of("").toAbsolutePath();
        return Files.exists(here.resolve("mvnw")) ? here : here.getParent();
    }

    /** Puts a module where Maven looks for installed ones. */
    private void publish(String module, Path pom, Class<?> ofModule) throws IOException, URISyntaxException {
        Path place = Files.createDirectories(dir.resolve("repository/faultline/" + module + "/" + VERSION));
        Files.copy(pom, place.resolve(module + "-" + VERSION + ".pom"));
        if (ofModule == null) {
            return;
        }
        Path jar = place.resolve(module + "-" + VERSION + ".jar");
        Path classes = Path.of(
                ofModule.getProtectionDomain().getCodeSource().getLocation().toURI());
        if (!Files.isDirectory(classes)) {
            Files.copy(classes, jar);
            return;
        }
        try (var out = new JarOutputStream(Files.newOutputStream(jar));
                Stream<Path> files = Files.walk(classes)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                out.putNextEntry(new JarEntry(classes.relativize(file).toString()));
                Files.copy(file, out);
            }
        }
    }

    private static void copyTree(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file :
                    files.filter(f -> !f.startsWith(from.resolve("target"))).toList()) {
                Path copy = to.resolve(from.relativize(file).toString());
                if (Files.isDirectory(file)) {
                    Files.createDirectories(copy);
                } else {
                    Files.copy(file, copy);
                }
            }
        }
    }

    /** Runs "mvn package" without a network, with our repository before the user's; returns the jar. */
    private Path build() throws Exception {
        publish("faultline-parent", ROOT.resolve("pom.xml"), null);
        publish("mmu", ROOT.resolve("mmu/pom.xml"), KernelFunction.class);
        publish("emulator", ROOT.resolve("emulator/pom.xml"), Main.class);
        publish("plugins", ROOT.resolve("plugins/pom.xml"), Plugin.class);
        Path project = dir.resolve("fault-counter");
        copyTree(ROOT.resolve("plugins/src/test/projects/fault-counter"), project);
        Path users =
                Path.of(System.getProperty("maven.repo.local", System.getProperty("user.home") + "/.m2/repository"));
        Path log = dir.resolve("log");
        Process maven = new ProcessBuilder(List.of(
                        ROOT.resolve("mvnw").toString(),
                        "-B",
                        "-o",
                        "-q",
                        "-Dmaven.repo.local=" + dir.resolve("repository"),
                        "-Dmaven.repo.local.tail=" + users,
                        "-f",
                        project.resolve("pom.xml").toString(),
                        "package"))
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        assertThat(maven.waitFor(10, TimeUnit.MINUTES)).isTrue();
        assertThat(maven.exitValue()).as(Files.readString(log)).isZero();
        return project.resolve("target/fault-counter.jar");
    }

    @Test
    void exampleBuildsAgainstWhatIsPublishedAndCountsFaultsAndCalls() throws Exception {
        Path jar = build();
        PrintStream before = System.err;
        var captured = new ByteArrayOutputStream();
        System.setErr(new PrintStream(captured, true, StandardCharsets.UTF_8));
        int status;
        try {
            status = Main.execute(
                    "trace",
                    "--plugin",
                    jar.toString(),
                    "--mem",
                    "64M",
                    "--seed",
                    "1",
                    "-o",
                    dir.resolve("trace").toString(),
                    WovenWorld.program("exit_status"));
        } finally {
            System.setErr(before);
        }
        assertThat(captured.toString(StandardCharsets.UTF_8))
                .containsPattern("fault-counter: \\{.*file_read=\\d+.*}, pte_alloc called [1-9]\\d* times");
        assertThat(status).isLessThan(125);
    }
}
