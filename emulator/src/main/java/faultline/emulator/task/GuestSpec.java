package faultline.emulator.task;

import faultline.emulator.fs.Isolation;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * What to run and on which machine.
 *
 * @param program path of the executable, as the guest sees it
 * @param argv arguments, the program's name first; bytes as ISO 8859-1 chars
 * @param env environment, {@code NAME=value} each
 * @param root directory that confines the guest's paths; {@code null} for the host's own root
 * @param cwd the guest's working directory; {@code null} for the host process' one
 * @param memBytes guest-physical memory, a multiple of 2 MiB
 * @param seed fixes random bytes, layout, clock and pids; {@code null} for real ones
 * @param ptl which lock guards page tables: {@code "mm"} or {@code "split"}
 * @param move how mremap moves entries: {@code "page"}, {@code "extent"} or {@code "pmd"}
 * @param options further switches by name, see the constants
 */
public record GuestSpec(
        String program,
        List<String> argv,
        List<String> env,
        Path root,
        Path cwd,
        long memBytes,
        Long seed,
        String ptl,
        String move,
        Map<String, String> options) {

    /**
     * Switch that makes the kernel look as if built with CONFIG_FAULT_INJECTION: /proc/PID/fail-nth and make-it-fail.
     */
    public static final String FAULT_INJECTION = "fault-injection";

    /** Option: bytes of swap space. */
    public static final String SWAP = "swap";
    /** Option: most bytes of memory that the guest's processes have together. */
    public static final String MEMORY_MAX = "memory-max";

    /** Options: pages of 2 MiB, and of 1 GiB, that their pools begin with. */
    public static final String HUGE_PAGES = "hugepages";

    public static final String GIGANTIC_PAGES = "hugepages-1G";

    /** Switches of {@link #isolation}; TMPFS has one {@code PATH:BYTES} a line. */
    public static final String READ_ONLY = "read-only";

    public static final String NO_NET = "no-net";
    public static final String HOST_ADMIN = "host-admin";
    public static final String TMPFS = "tmpfs";

    public static final long DEFAULT_MEM_BYTES = 1L << 30;

    public GuestSpec {
        Objects.requireNonNull(program, "program");
        argv = List.copyOf(argv);
        env = List.copyOf(env);
        options = Map.copyOf(options);
    }

    /** This, with a switch more. */
    public GuestSpec with(String option, String value) {
        var more = new java.util.HashMap<>(options);
        more.put(option, value);
        return new GuestSpec(program, argv, env, root, cwd, memBytes, seed, ptl, move, more);
    }

    /** What of the host the guest may reach. */
    public Isolation isolation() {
        List<Isolation.Tmpfs> tmpfs = new ArrayList<>();
        for (String line : options.getOrDefault(TMPFS, "").lines().toList()) {
            int colon = line.lastIndexOf(':');
            tmpfs.add(new Isolation.Tmpfs(line.substring(0, colon), Long.parseLong(line.substring(colon + 1))));
        }
        return new Isolation(
                root,
                options.containsKey(READ_ONLY),
                options.containsKey(NO_NET),
                options.containsKey(HOST_ADMIN),
                tmpfs);
    }

    /** Bytes of swap space; 0 for none. */
    public long swapBytes() {
        return Long.parseLong(options.getOrDefault(SWAP, "0"));
    }

    /** A program with everything else as {@code faultline run} has it when no option is given. */
    public static GuestSpec of(List<String> argv, List<String> env) {
        return new GuestSpec(argv.get(0), argv, env, null, null, DEFAULT_MEM_BYTES, null, "split", "pmd", Map.of());
    }
}
