package faultline.emulator.cli;

import faultline.emulator.task.GuestSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Option;

/** What of its host the guest may reach; for use as a mixin. */
final class IsolationOptions {
    @Option(
            names = "--root",
            paramLabel = "DIR",
            description = "Directory that the guest sees as / and cannot leave (default: the host's /).")
    private Path root;

    @Option(
            names = "--read-only",
            description = "The guest's tree is mounted read-only, but for what --tmpfs puts there, /proc and /dev.")
    private boolean readOnly;

    @Option(
            names = "--tmpfs",
            paramLabel = "DIR[:size=SIZE]",
            description =
                    "Puts an empty file system in memory on the guest's directory DIR (default size: half of the host's"
                            + " memory). Any number of times.")
    private List<String> tmpfs = new ArrayList<>();

    @Option(names = "--no-net", description = "No sockets but Unix ones; their abstract names are the guest's own.")
    private boolean noNet;

    @Option(
            names = "--host-admin",
            description = "A guest that runs as root may change the host: mount, write to its /proc/sys, /sys and block"
                    + " devices.")
    private boolean hostAdmin;

    /** The directory of --root; null without. */
    Path root() {
        if (root != null && !Files.isDirectory(root)) {
            throw new CommandException(ExitStatus.TROUBLE, "--root: " + root + " is not a directory");
        }
        return root;
    }

    /** Adds the switches of {@link GuestSpec} that the options stand for. */
    void addTo(Map<String, String> switches) {
        if (readOnly) {
            switches.put(GuestSpec.READ_ONLY, "");
        }
        if (noNet) {
            switches.put(GuestSpec.NO_NET, "");
        }
        if (hostAdmin) {
            switches.put(GuestSpec.HOST_ADMIN, "");
        }
        if (!tmpfs.isEmpty()) {
            switches.put(
                    GuestSpec.TMPFS,
                    String.join("\n", tmpfs.stream().map(this::line).toList()));
        }
    }

    private String line(String option) {
        int colon = option.indexOf(":size=");
        String directory = colon < 0 ? option : option.substring(0, colon);
        long bytes = colon < 0 ? 0 : size(option.substring(colon + ":size=".length()), option);
        Path onHost = root == null ? Path.of(directory) : Path.of(root + "/" + directory);
        if (!directory.startsWith("/") || directory.indexOf('\n') >= 0) {
            throw new CommandException(ExitStatus.TROUBLE, "--tmpfs: DIR is absolute, not '" + directory + "'");
        }
        if (!Files.isDirectory(onHost) && !Files.isSymbolicLink(onHost)) {
            throw new CommandException(ExitStatus.TROUBLE, "--tmpfs: the guest has no directory " + directory);
        }
        return RawArguments.bytesOf(directory) + ":" + bytes;
    }

    private static long size(String text, String option) {
        try {
            return new MemorySize().convert(text);
        } catch (RuntimeException e) {
            throw new CommandException(ExitStatus.TROUBLE, "--tmpfs " + option + ": " + e.getMessage(), e);
        }
    }
}
