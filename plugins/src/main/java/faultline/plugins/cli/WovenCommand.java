package faultline.plugins.cli;

import faultline.emulator.cli.Main;
import faultline.plugins.weave.SiteInfo;
import faultline.plugins.weave.SiteRegistry;
import faultline.plugins.weave.WeavingClassLoader;
import faultline.plugins.weave.WovenJar;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Predicate;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/**
 * A command that needs probes: called in the plain world it starts the command line anew in a woven one, where it does
 * its work.
 */
abstract class WovenCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Override
    public final Integer call() throws Exception {
        if (isReadyWithoutProbes()) {
            return runPlain();
        }
        SiteRegistry registry = WeavingClassLoader.registryOf(getClass());
        if (registry == null && needsOnlyTracedSites()) {
            registry = WovenJar.registry();
        }
        return registry == null ? startAnew() : run(registry);
    }

    /** Which sites this command needs woven; asked in the plain world. */
    abstract Predicate<SiteInfo> sites();

    /** The command's work, in the woven world. */
    abstract int run(SiteRegistry registry) throws Exception;

    /** Whether what was asked for needs no guest, and so no probes. */
    boolean isReadyWithoutProbes() {
        return false;
    }

    /** Whether the sites of the launcher's woven jar will do: those that tracing weaves whatever the events. */
    boolean needsOnlyTracedSites() {
        return false;
    }

    /** The command's work where {@link #isReadyWithoutProbes}. */
    int runPlain() throws Exception {
        throw new IllegalStateException("nothing to do");
    }

    /** Commands are looked for by the thread's class loader, so that all of them are those of the new world. */
    private int startAnew() throws Exception {
        var loader = new WeavingClassLoader(getClass().getClassLoader(), sites());
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        thread.setContextClassLoader(loader);
        try {
            List<String> args = spec.root().commandLine().getParseResult().originalArgs();
            return (int) loader.loadClass(Main.class.getName())
                    .getMethod("execute", String[].class)
                    .invoke(null, (Object) args.toArray(String[]::new));
        } finally {
            thread.setContextClassLoader(before);
        }
    }
}
