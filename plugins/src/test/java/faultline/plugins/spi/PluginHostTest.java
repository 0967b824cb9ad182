package faultline.plugins.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import faultline.emulator.cli.Main;
import faultline.plugins.weave.WovenWorld;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Plugins that misbehave; {@link ExampleProjectTest} has one that does not. */
class PluginHostTest {
    @TempDir
    Path dir;

    private Path jar(String service, Path... sources) throws IOException {
        Path classes = Files.createDirectories(dir.resolve("classes"));
        var arguments = new ArrayList<>(
                List.of("-proc:none", "-d", classes.toString(), "-cp", System.getProperty("java.class.path")));
        Stream.of(sources).map(Path::toString).forEach(arguments::add);
        var problems = new ByteArrayOutputStream();
        int result = ToolProvider.getSystemJavaCompiler().run(null, null, problems, arguments.toArray(String[]::new));
        assertThat(result).as(problems.toString(StandardCharsets.UTF_8)).isZero();
        Path jar = dir.resolve("plugin.jar");
        try (var out = new JarOutputStream(Files.newOutputStream(jar));
                Stream<Path> files = Files.walk(classes)) {
            out.putNextEntry(new JarEntry("META-INF/services/faultline.plugins.spi.Plugin"));
            out.write(service.getBytes(StandardCharsets.UTF_8));
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                out.putNextEntry(
                        new JarEntry(classes.relativize(file).toString().replace('\\', '/')));
                out.write(Files.readAllBytes(file));
            }
        }
        return jar;
    }

    /** Runs trace with a plugin; returns what went to standard error, and checks the guest's status. */
    private String trace(Path jar, String program) {
        PrintStream before = System.err;
        var captured = new ByteArrayOutputStream();
        System.setErr(new PrintStream(captured, true, StandardCharsets.UTF_8));
        try {
            int status = Main.execute(
                    "trace",
                    "--plugin",
                    jar.toString(),
                    "--mem",
                    "64M",
                    "-o",
                    dir.resolve("trace").toString(),
                    "--seed",
                    "1",
                    WovenWorld.program(program));
            assertThat(status).as(captured.toString(StandardCharsets.UTF_8)).isLessThan(125);
        } finally {
            System.setErr(before);
        }
        return captured.toString(StandardCharsets.UTF_8);
    }

    private Path source(String body) throws IOException {
        return Files.writeString(dir.resolve("Bad.java"), """
                import faultline.plugins.spi.*;
                public class Bad implements Plugin {
                    int calls;
                    public String name() { return "bad"; }
                    %s
                    public void stop() { context.print("calls " + calls); }
                    PluginContext context;
                }
                """.formatted(body));
    }

    @Test
    void pluginThatThrowsInAnEventIsDetachedAndTheGuestGoesOn() throws IOException {
        Path jar = jar("Bad", source("""
                public void start(PluginContext c) {
                    context = c;
                    c.onEvents("fault", null, e -> { calls++; throw new IllegalStateException("mine"); });
                }
                """));
        assertThat(trace(jar, "exit_status")).contains("bad: calls 1");
    }

    @Test
    void pluginThatThrowsInAProbeHearsOfNoEventEither() throws IOException {
        Path jar = jar("Bad", source("""
                public void start(PluginContext c) {
                    context = c;
                    c.onEvents("fault", null, e -> calls += 100);
                    c.attach("load_elf_binary", new faultline.plugins.weave.ProbeListener() {
                        public void entry(faultline.plugins.weave.ProbeSite s, Object o, Object[] a) {
                            calls = 1;
                            throw new IllegalStateException("mine");
                        }
                        public void exit(faultline.plugins.weave.ProbeSite s, Object o, Object r) { calls += 1000; }
                    });
                }
                """));
        assertThat(trace(jar, "exit_status")).contains("bad: calls 1\n");
    }

    @Test
    void pluginThatThrowsAtItsStartIsReportedAndTheGuestGoesOn() throws IOException {
        Path jar = jar("Bad", source("""
                public void start(PluginContext c) { context = c; throw new StackOverflowError("at start"); }
                """));
        assertThat(trace(jar, "exit_status")).contains("bad: calls 0");
    }

    @Test
    void jarWithoutAPluginIsRefused() throws IOException {
        Path jar = dir.resolve("empty.jar");
        new JarOutputStream(Files.newOutputStream(jar)).close();
        assertThatThrownBy(() -> PluginHost.load(List.of(jar), null, null, null))
                .hasMessageContaining("no plugin");
        assertThatThrownBy(() -> PluginHost.load(List.of(dir.resolve("missing.jar")), null, null, null))
                .hasMessageContaining("cannot be read");
    }
}
