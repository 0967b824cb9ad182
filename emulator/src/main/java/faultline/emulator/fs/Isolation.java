package faultline.emulator.fs;

import java.nio.file.Path;
import java.util.List;

/**
 * What a machine may reach of its host.
 *
 * <table>
 * <caption>The guest's bounds</caption>
 * <tr><th>part</th><th>option</th><th>what it does</th></tr>
 * <tr><td>root</td><td>--root DIR</td><td>every path stays in DIR; device files in it cannot be opened</td></tr>
 * <tr><td>readOnly</td><td>--read-only</td><td>the root is a read-only mount: EROFS for whatever would change
 * it</td></tr>
 * <tr><td>tmpfs</td><td>--tmpfs DIR[:size=N]</td><td>DIR is an empty tmpfs that is gone with the machine</td></tr>
 * <tr><td>noNet</td><td>--no-net</td><td>no sockets but Unix ones, whose abstract names are the machine's own</td></tr>
 * <tr><td>hostAdmin</td><td>--host-admin</td><td>a guest of root may change the host's kernel: mounts, /proc/sys,
 * /sys</td></tr>
 * </table>
 *
 * @param root directory that confines the guest's paths; null for the host's own root
 * @param tmpfs in the order in which they are mounted
 */
public record Isolation(Path root, boolean readOnly, boolean noNet, boolean hostAdmin, List<Tmpfs> tmpfs) {
    /**
     * One tmpfs.
     *
     * @param path absolute guest path of an existing directory
     * @param bytes how much it holds; 0 for half of the host's memory, as tmpfs has it
     */
    public record Tmpfs(String path, long bytes) {}

    /** The host's own tree, as far as the emulator's user may use it. */
    public static final Isolation NONE = new Isolation(null, false, false, false, List.of());

    public Isolation {
        tmpfs = List.copyOf(tmpfs);
    }

    /** Whether paths mean something else than on the host from the beginning. */
    public boolean differs() {
        return root != null || readOnly || !tmpfs.isEmpty();
    }

    /** Confined to a directory, and nothing else. */
    public static Isolation confinedTo(Path root) {
        return new Isolation(root, false, false, false, List.of());
    }
}
