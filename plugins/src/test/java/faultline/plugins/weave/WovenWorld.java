package faultline.plugins.weave;

import java.lang.reflect.InvocationTargetException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Predicate;

/**
 * Runs parts of tests in a woven world. Such a part is a class with a static method {@code run(SiteRegistry,
 * Object[])}; only types of this package and of the platform can go in and out.
 */
public final class WovenWorld {
    private WovenWorld() {}

    /** Runs a part in a fresh world and returns its result. */
    public static Object run(Predicate<SiteInfo> woven, Class<?> part, Object... arguments) {
        var loader = new WeavingClassLoader(WovenWorld.class.getClassLoader(), woven);
        try {
            var method = loader.loadClass(part.getName()).getDeclaredMethod("run", SiteRegistry.class, Object[].class);
            method.setAccessible(true);
            return method.invoke(null, loader.registry(), arguments);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw new AssertionError("in the woven world", e.getCause());
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    /** A guest program of the testbins module, which is built before this one. */
    public static String program(String name) {
        for (String root :
                new String[] {"../testbins", "testbins", System.getProperty("faultline.testbins", "testbins")}) {
            Path path = Path.of(root, "target/bin", name).toAbsolutePath().normalize();
            if (Files.isExecutable(path)) {
                return path.toString();
            }
        }
        throw new AssertionError("guest program " + name + " is not built: build the module testbins first");
    }
}
