package faultline.emulator.host;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The signals that whoever started the emulator has it ignore, as nohup(1) does with SIGHUP and a shell with SIGINT of
 * what it runs in the background: execve leaves them ignored, so they are the first guest's, too.
 *
 * <p>Java takes SIGHUP, SIGINT and SIGTERM for itself only where they are not ignored. Those that it always takes
 * (SIGQUIT, SIGILL, SIGFPE, SIGSEGV, SIGBUS, SIGPIPE, SIGUSR2), and the C library's own (33), count as not ignored.
 */
public final class InheritedSignals {
    private static final Path STATUS = Path.of("/proc/self/status");
    private static final String IGNORED = "SigIgn:";

    private InheritedSignals() {}

    /** A set of signals: bit n - 1 stands for signal n. */
    public static long ignored() {
        try {
            for (String line : Files.readAllLines(STATUS)) {
                if (line.startsWith(IGNORED)) {
                    return Long.parseUnsignedLong(
                            line.substring(IGNORED.length()).trim(), 16);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return 0;
    }
}
