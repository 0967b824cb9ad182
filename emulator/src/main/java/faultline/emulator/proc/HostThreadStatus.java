package faultline.emulator.proc;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * What the host says of a task's thread in /proc/PID/status: the truth about its groups and capabilities, which the
 * thread carries for the guest.
 */
final class HostThreadStatus {
    private static final Path OWN = Path.of("/proc/self/status");

    private final Map<String, String> lines = new HashMap<>();

    /** @param thread the host's number of it; of one that has ended or never ran, the emulator's own lines stand */
    HostThreadStatus(int thread) {
        if (!read(Path.of("/proc/self/task/" + thread + "/status"))) {
            read(OWN);
        }
    }

    private boolean read(Path file) {
        try {
            for (String line : Files.readAllLines(file, StandardCharsets.ISO_8859_1)) {
                int colon = line.indexOf(":\t");
                if (colon > 0) {
                    lines.put(line.substring(0, colon), line.substring(colon + 2));
                }
            }
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /** The text behind a name and its tabulator; "" where the host has no such line. */
    String get(String name) {
        return lines.getOrDefault(name, "");
    }
}
