package faultline.plugins.output;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** The formats of a trace. */
public enum Format {
    TEXT,
    JSONL,
    PERFETTO,
    FOLDED,
    PPROF,
    JFR;

    /** As the command line calls it, or null. */
    public static Format named(String name) {
        return Arrays.stream(values())
                .filter(format -> format.toString().equals(name))
                .findFirst()
                .orElse(null);
    }

    /** What the command line calls them. */
    public static List<String> names() {
        return Arrays.stream(values()).map(Format::toString).toList();
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Whether a terminal should not be given this. */
    public boolean isBinary() {
        return this == PERFETTO || this == PPROF || this == JFR;
    }

    /**
     * A sink of this format.
     *
     * @param out where to write; stays open
     * @param file the same place as a file; only Flight Recorder needs it, and null is refused there
     */
    public EventSink open(OutputStream out, Path file, Names names) throws IOException {
        return switch (this) {
            case TEXT -> new TextSink(out, names);
            case JSONL -> new JsonlSink(out, names);
            case PERFETTO -> new PerfettoSink(out, names);
            case FOLDED -> new FoldedSink(out, names);
            case PPROF -> new PprofSink(out, names);
            case JFR -> {
                if (file == null) {
                    throw new IOException("a Flight Recorder trace needs a file: add -o FILE");
                }
                yield new JfrSink(file, names);
            }
        };
    }
}
