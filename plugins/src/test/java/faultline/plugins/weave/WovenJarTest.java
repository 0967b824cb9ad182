package faultline.plugins.weave;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WovenJarTest {
    private static final String SHAPES = "faultline/plugins/sample/Shapes.class";

    @TempDir
    Path dir;

    private Path jar() throws IOException {
        Path jar = dir.resolve("woven.jar");
        try (InputStream shapes = getClass().getResourceAsStream("/" + SHAPES);
                InputStream plain = getClass().getResourceAsStream("/faultline/mmu/Errno.class")) {
            WovenJar.write(
                    jar,
                    Map.of(SHAPES, shapes.readAllBytes(), "faultline/mmu/Errno.class", plain.readAllBytes()),
                    site -> !site.name().equals("sample_count"));
        }
        return jar;
    }

    /** A world in which the jar precedes the class path, as the launcher has it. */
    private URLClassLoader world() throws IOException {
        var urls = new ArrayList<URL>();
        urls.add(jar().toUri().toURL());
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
            try {
                urls.add(Path.of(entry).toUri().toURL());
            } catch (MalformedURLException e) {
                throw new AssertionError(entry, e);
            }
        }
        return new URLClassLoader(urls.toArray(URL[]::new), ClassLoader.getPlatformClassLoader());
    }

    private static Object run(ClassLoader world, Class<?> part) throws Exception {
        var method = world.loadClass(part.getName()).getDeclaredMethod("run");
        method.setAccessible(true);
        return method.invoke(null);
    }

    /** Counts calls of woven methods in whatever world it is loaded in. */
    static final class Attached {
        static Integer run() throws ReflectiveOperationException {
            var entries = new AtomicInteger();
            var shapes = (ShapesApi) Class.forName("faultline.plugins.sample.Shapes")
                    .getConstructor()
                    .newInstance();
            Attachment attachment = WovenJar.registry().attach("test", "sample_*", new ProbeListener() {
                @Override
                public void entry(ProbeSite site, Object receiver, Object[] arguments) {
                    assertThat(site.info().argumentNames()).hasSameSizeAs(arguments);
                    entries.incrementAndGet();
                }
            });
            assertThat(shapes.add(1, 2)).isEqualTo(3);
            shapes.count(); // left as it was
            attachment.close();
            shapes.branches(7);
            return entries.get();
        }
    }

    @Test
    void sitesOfTheJarCanBeAttachedTo() throws Exception {
        try (URLClassLoader world = world()) {
            assertThat(run(world, Attached.class)).isEqualTo(1);
        }
    }

    /** A loader of woven classes on top of the jar weaves the plain ones, each site once. */
    static final class Above {
        static Integer run() throws ReflectiveOperationException {
            var entries = new AtomicInteger();
            var loader = new WeavingClassLoader(Above.class.getClassLoader());
            loader.registry().attach("test", "sample_*", new ProbeListener() {
                @Override
                public void entry(ProbeSite site, Object receiver, Object[] arguments) {
                    entries.incrementAndGet();
                }
            });
            var shapes = (ShapesApi) loader.loadClass("faultline.plugins.sample.Shapes")
                    .getConstructor()
                    .newInstance();
            shapes.add(1, 2);
            shapes.count();
            return entries.get();
        }
    }

    @Test
    void loaderAboveTheJarWeavesThePlainClasses() throws Exception {
        try (URLClassLoader world = world()) {
            assertThat(run(world, Above.class)).isEqualTo(2);
        }
    }

    @Test
    void withoutTheJarThereIsNoRegistry() {
        assertThat(WovenJar.registry()).isNull();
    }
}
