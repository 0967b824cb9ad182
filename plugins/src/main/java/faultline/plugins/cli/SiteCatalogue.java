package faultline.plugins.cli;

import faultline.emulator.cli.Main;
import faultline.mmu.annotation.KernelFunction;
import faultline.plugins.weave.SiteInfo;
import faultline.plugins.weave.Weaver;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.stream.Stream;

/**
 * All sites of the memory manager and the emulator, found in their class files; no class of theirs is loaded for it.
 */
final class SiteCatalogue {
    private SiteCatalogue() {}

    /** Sorted by the kernel's name, then by place. */
    static List<SiteInfo> all() throws IOException {
        var sites = new ArrayList<SiteInfo>();
        scan((name, bytes) -> sites.addAll(Weaver.sites(bytes)));
        sites.sort(Comparator.comparing(SiteInfo::name)
                .thenComparing(SiteInfo::className)
                .thenComparing(SiteInfo::method));
        return sites;
    }

    private static Path origin(Class<?> type) throws IOException {
        try {
            return Path.of(
                    type.getProtectionDomain().getCodeSource().getLocation().toURI());
        } catch (URISyntaxException e) {
            throw new IOException("cannot find where " + type + " comes from", e);
        }
    }

    /** All class files by resource name. */
    static Map<String, byte[]> classes() throws IOException {
        var classes = new HashMap<String, byte[]>();
        scan(classes::put);
        return classes;
    }

    private static void scan(BiConsumer<String, byte[]> into) throws IOException {
        for (Path origin : new LinkedHashSet<>(List.of(origin(KernelFunction.class), origin(Main.class)))) {
            if (Files.isDirectory(origin)) {
                scanTree(origin, into);
                continue;
            }
            try (FileSystem jar = FileSystems.newFileSystem(URI.create("jar:" + origin.toUri()), Map.of())) {
                scanTree(jar.getPath("/"), into);
            }
        }
    }

    private static void scanTree(Path root, BiConsumer<String, byte[]> into) throws IOException {
        try (Stream<Path> files = Files.walk(root)) {
            files.filter(file -> file.toString().endsWith(".class")).forEach(file -> {
                try {
                    into.accept(root.relativize(file).toString(), Files.readAllBytes(file));
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }
}
