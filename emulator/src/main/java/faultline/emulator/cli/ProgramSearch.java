package faultline.emulator.cli;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;

/**
 * Finds the program as a shell would: a name with a slash is a path, any other is looked for along the guest's PATH.
 *
 * <p>Looks at the file only as far as the shell's message needs it; whether it can be executed shows when it is. Inside
 * a {@code --root} a symbolic link may lead elsewhere than on the host, so there a link counts as found.
 */
final class ProgramSearch {
    private static final String DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin";

    private ProgramSearch() {}

    /**
     * The path of the program as the guest sees it.
     *
     * @param name what the user gave, bytes as chars
     * @param env the guest's environment
     * @param root the guest's root directory, or null
     * @throws CommandException with status 126 or 127
     */
    static String find(String name, List<String> env, Path root) {
        if (name.indexOf('/') >= 0) {
            check(name, root);
            return name;
        }
        String path = DEFAULT_PATH;
        for (String variable : env) {
            if (variable.startsWith("PATH=")) {
                path = variable.substring("PATH=".length());
            }
        }
        String unusable = null;
        for (String directory : path.split(":", -1)) {
            String candidate = (directory.isEmpty() ? "." : directory) + "/" + name;
            Path file = onHost(candidate, root);
            if (Files.isSymbolicLink(file) && root != null || Files.isRegularFile(file) && Files.isExecutable(file)) {
                return candidate;
            }
            if (Files.isRegularFile(file)) {
                unusable = candidate;
            }
        }
        if (unusable != null) {
            throw new CommandException(ExitStatus.NOT_EXECUTABLE, shown(unusable) + ": permission denied");
        }
        throw new CommandException(
                ExitStatus.NOT_FOUND,
                shown(name) + ": not found in the guest's PATH (a path needs a slash: ./" + shown(name) + ")");
    }

    private static void check(String name, Path root) {
        Path file = onHost(name, root);
        if (root != null && Files.isSymbolicLink(file)) {
            return;
        }
        if (Files.isDirectory(file)) {
            throw new CommandException(ExitStatus.NOT_EXECUTABLE, shown(name) + ": is a directory");
        }
        if (!Files.exists(file)) {
            // A link inside the root may be on the way: only the guest's own look-up can tell.
            if (root == null) {
                throw new CommandException(ExitStatus.NOT_FOUND, shown(name) + ": no such file");
            }
            return;
        }
        if (!Files.isExecutable(file)) {
            throw new CommandException(ExitStatus.NOT_EXECUTABLE, shown(name) + ": permission denied");
        }
    }

    private static Path onHost(String guestPath, Path root) {
        try {
            String decoded = shown(guestPath);
            return root == null ? Path.of(decoded) : Path.of(root + "/" + decoded);
        } catch (InvalidPathException e) {
            throw new CommandException(ExitStatus.NOT_FOUND, shown(guestPath) + ": not a file name here", e);
        }
    }

    /** Bytes as text for a message. */
    static String shown(String raw) {
        return new String(raw.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
    }
}
