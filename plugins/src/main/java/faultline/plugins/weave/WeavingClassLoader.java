package faultline.plugins.weave;

import faultline.mmu.annotation.KernelFunction;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URL;
import java.security.CodeSource;
import java.security.ProtectionDomain;
import java.security.cert.Certificate;
import java.util.function.Predicate;

/**
 * A world of its own for {@code faultline.*}: classes are read from where the parent finds them and defined here,
 * woven. Everything else, this package itself and the annotations are the parent's, so that both worlds share the
 * probes' types and mean the same by a name.
 */
public final class WeavingClassLoader extends ClassLoader {
    private static final String WORLD = "faultline.";
    private static final String SHARED = WeavingClassLoader.class.getPackageName() + ".";
    private static final String ANNOTATIONS = KernelFunction.class.getPackageName() + ".";

    static {
        registerAsParallelCapable();
    }

    private final SiteRegistry registry = new SiteRegistry();
    private final Predicate<SiteInfo> woven;

    /** Weaves every site of the classes that {@code parent} finds. */
    public WeavingClassLoader(ClassLoader parent) {
        this(parent, info -> true);
    }

    /** Weaves the sites that the predicate accepts; the others stay as they were compiled. */
    public WeavingClassLoader(ClassLoader parent, Predicate<SiteInfo> woven) {
        super("woven", parent);
        this.woven = woven;
    }

    /** The sites of this world and what is attached to them. */
    public SiteRegistry registry() {
        return registry;
    }

    /** The registry of the world that {@code type} lives in, or null when it was loaded plain. */
    public static SiteRegistry registryOf(Class<?> type) {
        return type.getClassLoader() instanceof WeavingClassLoader loader ? loader.registry() : null;
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        if (!name.startsWith(WORLD) || name.startsWith(SHARED) || name.startsWith(ANNOTATIONS)) {
            return super.loadClass(name, resolve);
        }
        synchronized (getClassLoadingLock(name)) {
            Class<?> loaded = findLoadedClass(name);
            if (loaded == null) {
                loaded = define(name);
            }
            if (resolve) {
                resolveClass(loaded);
            }
            return loaded;
        }
    }

    private Class<?> define(String name) throws ClassNotFoundException {
        String path = name.replace('.', '/') + ".class";
        URL url = find(path);
        if (url == null) {
            throw new ClassNotFoundException(name);
        }
        byte[] plain;
        try (InputStream in = url.openStream()) {
            plain = in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + url, e);
        }
        byte[] bytes = Weaver.weave(plain, info -> woven.test(info) ? registry.register(info) : SiteVisitor.NOT_WOVEN);
        String packageName = name.substring(0, name.lastIndexOf('.'));
        if (getDefinedPackage(packageName) == null) {
            try {
                definePackage(packageName, null, null, null, null, null, null, null);
            } catch (IllegalArgumentException e) {
                // another thread defined it between the question and the call; the package is what matters
                if (getDefinedPackage(packageName) == null) {
                    throw e;
                }
            }
        }
        return defineClass(name, bytes, 0, bytes.length, domain(url, path));
    }

    /** Where the plain class is: a jar of woven ones comes before it on the class path. */
    private URL find(String path) {
        if (WovenJar.registry() == null) {
            return getParent().getResource(path);
        }
        URL last = null;
        try {
            for (var all = getParent().getResources(path); all.hasMoreElements(); ) {
                last = all.nextElement();
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot look for " + path, e);
        }
        return last;
    }

    /** The parent's code source, so that classes that ask where they came from get the right answer. */
    private static ProtectionDomain domain(URL url, String path) {
        String text = url.toString();
        String root = text.substring(0, text.length() - path.length());
        if (root.startsWith("jar:") && root.endsWith("!/")) {
            root = root.substring(4, root.length() - 2);
        }
        try {
            URL source = java.net.URI.create(root).toURL();
            return new ProtectionDomain(new CodeSource(source, (Certificate[]) null), null);
        } catch (java.net.MalformedURLException e) {
            throw new IllegalStateException("cannot name the origin of " + url, e);
        }
    }
}
