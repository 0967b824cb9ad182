package faultline.plugins.spi;

import faultline.plugins.output.Names;
import faultline.plugins.trace.EventSelection;
import faultline.plugins.trace.TraceSession;
import faultline.plugins.weave.Attachment;
import faultline.plugins.weave.ProbeListener;
import faultline.plugins.weave.ProbeSite;
import faultline.plugins.weave.SiteRegistry;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Loads plugins, gives them events and probes, and takes them out when they fail.
 *
 * <p>Plugins' classes are loaded by a child of this class's loader, so that they see the same kernel as the guest runs
 * on.
 */
public final class PluginHost implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PluginHost.class);

    private final List<Loaded> loaded = new ArrayList<>();
    private final URLClassLoader classes;

    private PluginHost(URLClassLoader classes) {
        this.classes = classes;
    }

    /**
     * Loads and starts the plugins of some jars.
     *
     * @throws IOException when a jar cannot be read or holds no plugin
     */
    public static PluginHost load(List<Path> jars, SiteRegistry registry, TraceSession session, Names names)
            throws IOException {
        var urls = new ArrayList<URL>();
        for (Path jar : jars) {
            if (!Files.isReadable(jar)) {
                throw new IOException("--plugin: " + jar + " cannot be read");
            }
            urls.add(jar.toUri().toURL());
        }
        var host = new PluginHost(new URLClassLoader(urls.toArray(URL[]::new), PluginHost.class.getClassLoader()));
        if (jars.isEmpty()) {
            return host;
        }
        try {
            for (Plugin plugin : ServiceLoader.load(Plugin.class, host.classes)) {
                host.start(plugin, registry, session, names, System.err);
            }
        } catch (ServiceConfigurationError e) {
            host.close();
            throw new IOException("--plugin: " + e.getMessage(), e);
        }
        if (host.loaded.isEmpty()) {
            host.close();
            throw new IOException("--plugin: no plugin in " + jars);
        }
        return host;
    }

    /** Starts a plugin that is there already. */
    void start(Plugin plugin, SiteRegistry registry, TraceSession session, Names names, PrintStream out) {
        var entry = new Loaded(plugin, registry, session, names, out);
        loaded.add(entry);
        entry.guard(() -> plugin.start(entry));
    }

    static PluginHost empty() {
        return new PluginHost(new URLClassLoader(new URL[0], PluginHost.class.getClassLoader()));
    }

    /** Stops all plugins. */
    @Override
    public void close() throws IOException {
        for (Loaded entry : loaded) {
            entry.detach();
            entry.guardStop();
        }
        classes.close();
    }

    /** Something of a plugin's that may throw anything. */
    private interface Call {
        void run() throws Exception;
    }

    /** One plugin and all that it has attached. */
    private static final class Loaded implements PluginContext {
        private final Plugin plugin;
        private final SiteRegistry registry;
        private final TraceSession session;
        private final Names names;
        private final PrintStream out;
        private final List<AutoCloseable> attached = new CopyOnWriteArrayList<>();
        private final AtomicBoolean detached = new AtomicBoolean();

        Loaded(Plugin plugin, SiteRegistry registry, TraceSession session, Names names, PrintStream out) {
            this.plugin = plugin;
            this.registry = registry;
            this.session = session;
            this.names = names;
            this.out = out;
        }

        /** Nothing of a plugin that has failed is called again; threads that fail at once are reported as one. */
        private void guard(Call call) {
            if (detached.get()) {
                return;
            }
            try {
                call.run();
            } catch (Exception | Error e) {
                if (detach()) {
                    LOG.warn("plugin {} failed and is detached: {}", plugin.name(), e, e);
                }
            }
        }

        /** A plugin's stop() may fail, too, and that is only reported. */
        private void guardStop() {
            try {
                plugin.stop();
            } catch (Exception | Error e) {
                LOG.warn("plugin {} failed while it stopped: {}", plugin.name(), e, e);
            }
        }

        /** Returns whether nobody has detached it before. */
        private boolean detach() {
            boolean first = !detached.getAndSet(true);
            for (AutoCloseable each : attached) {
                try {
                    each.close();
                } catch (Exception e) {
                    throw new IllegalStateException("detaching cannot fail", e);
                }
            }
            return first;
        }

        /** Keeps what is to be closed when the plugin is detached, or closes it when that was done meanwhile. */
        private void keep(AutoCloseable attachment) {
            attached.add(attachment);
            if (detached.get()) {
                detach();
            }
        }

        @Override
        public void onEvents(String events, String filter, Consumer<Event> consumer) {
            var selection = new EventSelection(events, filter, names.strings());
            keep(session.subscribe(selection, record -> guard(() -> consumer.accept(RecordEvent.of(record, names)))));
        }

        @Override
        public Attachment attach(String functions, ProbeListener listener) {
            Attachment attachment = registry.attach("plugin " + plugin.name(), functions, guarded(listener));
            keep(attachment);
            return attachment;
        }

        /** A listener that throws takes the whole plugin along, not its own probe alone. */
        private ProbeListener guarded(ProbeListener listener) {
            return new ProbeListener() {
                @Override
                public void entry(ProbeSite site, Object receiver, Object[] arguments) {
                    guard(() -> listener.entry(site, receiver, arguments));
                }

                @Override
                public void exit(ProbeSite site, Object receiver, Object result) {
                    guard(() -> listener.exit(site, receiver, result));
                }

                @Override
                public void thrown(ProbeSite site, Throwable thrown) {
                    guard(() -> listener.thrown(site, thrown));
                }
            };
        }

        @Override
        public void print(String line) {
            out.println(plugin.name() + ": " + line);
        }
    }
}
