package faultline.plugins.spi;

import faultline.plugins.weave.Attachment;
import faultline.plugins.weave.ProbeListener;
import java.util.function.Consumer;

/** What a plugin may do. All of it may be called at any time while the plugin is started. */
public interface PluginContext {
    /**
     * Subscribes to events. The consumer runs in the thread of the event, perhaps with kernel locks held: it must not
     * wait.
     *
     * @param events categories or patterns over names, as {@code -e} takes them
     * @param filter an expression as {@code --filter} takes it, or null
     * @throws RuntimeException when there are no such events, or the filter is wrong
     */
    void onEvents(String events, String filter, Consumer<Event> consumer);

    /** Attaches to kernel functions by their names, with {@code *} and {@code ?}. */
    Attachment attach(String functions, ProbeListener listener);

    /** Prints a line on standard error, after the plugin's name. */
    void print(String line);
}
