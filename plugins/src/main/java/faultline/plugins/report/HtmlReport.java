package faultline.plugins.report;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Makes the page. */
public final class HtmlReport {
    private static final String DATA = "/*DATA*/null";

    private HtmlReport() {}

    /**
     * Turns a trace of JSON lines into a page.
     *
     * @return whether the trace is whole: false when its last line is cut off, and left out
     * @throws IOException when the trace cannot be read or the page not be written
     */
    public static boolean write(Path trace, Path page) throws IOException {
        var digest = new TraceDigest();
        boolean whole = TraceReader.read(trace, digest::add);
        String template;
        try (InputStream in = HtmlReport.class.getResourceAsStream("report.html")) {
            if (in == null) {
                throw new IOException("the page's template is missing from this build");
            }
            template = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        // a name in the trace must not be able to end the script
        String data = JSON.std.asString(digest.toJson()).replace("<", "\\u003c");
        Files.writeString(page, template.replace(DATA, data), StandardCharsets.UTF_8);
        return whole;
    }
}
