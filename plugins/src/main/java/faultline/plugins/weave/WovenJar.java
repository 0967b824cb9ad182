package faultline.plugins.weave;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;

/**
 * Classes woven ahead of time, in a jar that the launcher puts before the plain ones.
 *
 * <p>Java's start-up cache holds no classes of other loaders than its own. With the jar on the class path the woven
 * classes come from there, linked and with the profiles of a training run, and {@code trace} starts as fast as {@code
 * run}. The jar holds the classes that have sites and, in {@value #INDEX}, the sites in the order of their numbers.
 */
public final class WovenJar {
    private static final String INDEX = "META-INF/faultline-sites";
    private static final int MAX_SITES = 1 << 16;

    /** Made when first asked for; there is one such world in a virtual machine. */
    private static final class World {
        static final SiteRegistry REGISTRY = readIndex(WovenJar.class.getClassLoader());
    }

    private WovenJar() {}

    /** The sites of the woven jar on the class path and what is attached to them; null when there is none. */
    public static SiteRegistry registry() {
        return World.REGISTRY;
    }

    /**
     * Writes a woven jar.
     *
     * @param classes by resource name, as {@code faultline/mmu/Errno.class}
     * @param woven which sites
     */
    public static void write(Path jar, Map<String, byte[]> classes, Predicate<SiteInfo> woven) throws IOException {
        var sites = new ArrayList<SiteInfo>();
        try (OutputStream file = Files.newOutputStream(jar);
                var out = new JarOutputStream(file)) {
            for (var each : new TreeMap<>(classes).entrySet()) {
                byte[] bytes = Weaver.weave(each.getValue(), info -> {
                    if (!woven.test(info)) {
                        return SiteVisitor.NOT_WOVEN;
                    }
                    sites.add(info);
                    return sites.size() - 1;
                });
                if (bytes != each.getValue()) {
                    out.putNextEntry(new JarEntry(each.getKey()));
                    out.write(bytes);
                }
            }
            out.putNextEntry(new JarEntry(INDEX));
            writeIndex(sites, new DataOutputStream(out));
        }
    }

    private static void writeIndex(List<SiteInfo> sites, DataOutputStream out) throws IOException {
        out.writeInt(sites.size());
        for (SiteInfo site : sites) {
            out.writeUTF(site.name());
            out.writeUTF(site.file());
            out.writeUTF(site.className());
            out.writeUTF(site.method());
            out.writeUTF(site.descriptor());
            out.writeBoolean(site.isStatic());
            out.writeUTF(String.join(",", site.argumentNames()));
            out.writeBoolean(site.injectable());
            out.writeUTF(site.injectable() ? site.injectId() : "");
            out.writeLong(site.injectError());
            out.writeBoolean(site.mayWait());
        }
        out.flush();
    }

    private static SiteRegistry readIndex(ClassLoader classes) {
        try (InputStream in = classes.getResourceAsStream(INDEX)) {
            if (in == null) {
                return null;
            }
            var registry = new SiteRegistry();
            var index = new DataInputStream(in);
            int count = index.readInt();
            if (count < 0 || count > MAX_SITES) {
                throw new IOException(count + " sites");
            }
            for (int i = 0; i < count; i++) {
                registry.register(readSite(index));
            }
            return registry;
        } catch (IOException e) {
            throw new UncheckedIOException("the woven jar is damaged: remove it, the launcher makes it anew", e);
        }
    }

    private static SiteInfo readSite(DataInputStream in) throws IOException {
        String name = in.readUTF();
        String file = in.readUTF();
        String className = in.readUTF();
        String method = in.readUTF();
        String descriptor = in.readUTF();
        boolean isStatic = in.readBoolean();
        String arguments = in.readUTF();
        boolean injectable = in.readBoolean();
        String injectId = in.readUTF();
        return new SiteInfo(
                name,
                file,
                className,
                method,
                descriptor,
                isStatic,
                arguments.isEmpty() ? List.of() : List.of(arguments.split(",")),
                injectable ? injectId : null,
                in.readLong(),
                in.readBoolean());
    }
}
