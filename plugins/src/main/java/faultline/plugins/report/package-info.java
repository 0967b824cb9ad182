/**
 * The page that {@code faultline report} makes of a trace: one HTML file that needs nothing else.
 *
 * <p>{@link faultline.plugins.report.TraceReader} reads the JSON lines, {@link faultline.plugins.report.TraceDigest}
 * adds them up, {@link faultline.plugins.report.HtmlReport} puts the sums into {@code report.html}, whose script draws
 * them.
 */
package faultline.plugins.report;
