/**
 * What plugins are written against: this package, {@code faultline.plugins.weave}, and the events of {@code
 * faultline.plugins.event}.
 *
 * <p>A plugin is a class that implements {@link faultline.plugins.spi.Plugin} and is named in {@code
 * META-INF/services/faultline.plugins.spi.Plugin} of its jar; {@code --plugin JAR} loads it. It gets typed events, and
 * may attach probes to kernel functions by name. Whatever it throws is reported, ends the plugin, and never reaches the
 * guest.
 */
package faultline.plugins.spi;
