package faultline.emulator.cli;

import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;
import picocli.CommandLine.IVersionProvider;

/** Version of the build, from a resource that the build writes. */
public final class Version implements IVersionProvider {
    private static final String RESOURCE = "version.properties";

    @Override
    public String[] getVersion() {
        return new String[] {"faultline " + text()};
    }

    /** For example "0.1.0-SNAPSHOT (1a2b3c4)". */
    static String text() {
        Properties properties = new Properties();
        try (InputStream in = Version.class.getResourceAsStream(RESOURCE)) {
            if (in == null) {
                return "(not packaged)";
            }
            properties.load(in);
        } catch (IOException e) {
            throw new CommandException(ExitStatus.TROUBLE, RESOURCE + ": " + e.getMessage(), e);
        }
        return properties.getProperty("version") + " (" + properties.getProperty("commit") + ")";
    }
}
