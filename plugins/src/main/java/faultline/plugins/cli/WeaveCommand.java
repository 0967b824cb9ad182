package faultline.plugins.cli;

import faultline.plugins.trace.Tracer;
import faultline.plugins.weave.WovenJar;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Writes the jar of woven classes; the launcher calls it once after each build. */
@Command(name = "weave", hidden = true, description = "Writes the classes that tracing weaves into a jar.")
final class WeaveCommand implements Callable<Integer> {
    @Parameters(paramLabel = "JAR", description = "Where to write.")
    private Path jar;

    @Override
    public Integer call() throws IOException {
        WovenJar.write(jar, SiteCatalogue.classes(), Tracer::weavesAlways);
        return 0;
    }
}
