package faultline.plugins.spi;

/** A plugin: see the package. One instance a run. */
public interface Plugin {
    /** What reports call it. */
    String name();

    /** Called before the guest's machine is made: subscribe to events and attach probes here. */
    void start(PluginContext context) throws Exception;

    /** Called after the guest has ended, also when the plugin was detached for an error. */
    default void stop() throws Exception {}
}
