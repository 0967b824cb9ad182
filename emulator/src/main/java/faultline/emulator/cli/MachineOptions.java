package faultline.emulator.cli;

import faultline.emulator.task.GuestSpec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * The options that every command which runs a guest has, and the guest's command line; for use as a {@link Mixin}.
 */
public final class MachineOptions {
    private static final long PAGE_TABLE_SPAN = 2L << 20;
    private static final long LEAST_MEMORY = 16L << 20;
    private static final long MOST_MEMORY = 1L << 40;
    private static final long MOST_SWAP = 1L << 40;

    @Option(
            names = "--mem",
            paramLabel = "SIZE",
            converter = MemorySize.class,
            description = "Memory of the guest's machine, reserved and touched as needed (default: 1G).")
    private long memBytes = GuestSpec.DEFAULT_MEM_BYTES;

    @Option(
            names = "--swap",
            paramLabel = "SIZE",
            converter = MemorySize.class,
            description = "Swap space, kept in a temporary file (default: none).")
    private long swapBytes;

    @Option(
            names = "--memory-max",
            paramLabel = "SIZE",
            converter = MemorySize.class,
            description =
                    "Most memory of the guest's processes together: they begin in the control group /guest with this"
                            + " memory.max (default: none).")
    private long memoryMax;

    @Mixin
    private IsolationOptions isolation = new IsolationOptions();

    @Option(
            names = {"--env", "-E"},
            paramLabel = "K=V",
            description =
                    "Sets an environment variable of the guest, or removes it when there is no '='. It gets all others"
                            + " of this process.")
    private List<String> environment = new ArrayList<>();

    @Option(
            names = "--seed",
            paramLabel = "N",
            description = "Makes scheduling, clock, random bytes and address layout a function of N.")
    private Long seed;

    @Option(
            names = "--ptl",
            paramLabel = "mm|split",
            description = "Page-table lock: one an address space, or one a table (default: ${DEFAULT-VALUE}).")
    private String pageTableLock = "split";

    @Option(
            names = "--mremap",
            paramLabel = "page|extent|pmd",
            description = "mremap moves entries one by one, by extents of up to 64, or whole tables"
                    + " (default: ${DEFAULT-VALUE}).")
    private String move = "pmd";

    @Option(
            names = "--overcommit",
            paramLabel = "0|1|2",
            description =
                    "How much memory is promised (vm.overcommit_memory): by guess, always, or never more than there is"
                            + " (default: ${DEFAULT-VALUE}).")
    private String overcommit = "0";

    @Option(
            names = "--gup-cow",
            paramLabel = "2005|fixed",
            description =
                    "What a forced write to a read-only mapping (a debugger's) may hit: with 2005 the file itself, when its"
                            + " private copy is dropped at the wrong moment (CVE-2016-5195) (default: ${DEFAULT-VALUE}).")
    private String gupCow = "fixed";

    @Option(
            names = "--core",
            paramLabel = "FILE",
            description =
                    "Writes an ELF core file when a signal whose default that is kills a process; %%p in FILE stands for the"
                            + " process' id.")
    private Path core;

    @Option(
            names = "--thp",
            paramLabel = "never|madvise|always",
            description = "Transparent huge pages: none, where MADV_HUGEPAGE asks, or wherever they fit"
                    + " (default: ${DEFAULT-VALUE}).")
    private String hugePages = "madvise";

    @Option(
            names = "--aslr",
            paramLabel = "machine|exec",
            description =
                    "When it is drawn where code lies: once, so that translated code can be used again, or at each"
                            + " execve as on Linux (default: ${DEFAULT-VALUE}).")
    private String aslr = "machine";

    @Option(
            names = "--remap-file-pages",
            paramLabel = "emulate|nonlinear",
            description =
                    "remap_file_pages maps the pages anew, as since Linux 4.0, or puts one mapping's pages out of order, as"
                            + " before (default: ${DEFAULT-VALUE}).")
    private String remapFilePages = "emulate";

    @Option(
            names = "--hugepages",
            paramLabel = "[SIZE:]N",
            converter = PoolSize.Converter.class,
            description = "Huge pages of 2 MiB (2M) or 1 GiB (1G:N), of the guest's memory, in the pool for MAP_HUGETLB"
                    + " and the like; once for each size (default: 0).")
    private List<PoolSize> pools = List.of();

    @Parameters(arity = "1..*", paramLabel = "PROGRAM [ARGS...]", description = "The program and its arguments.")
    private List<String> command;

    /** What {@code run PROGRAM [ARGS…]} without options means. */
    static MachineOptions plain(String... args) {
        MachineOptions options = new MachineOptions();
        options.command = List.of(args).subList(1, args.length);
        return options;
    }

    /** The machine and program that the options describe. */
    public GuestSpec spec() {
        return spec(Map.of());
    }

    /** The words behind the options: of the guest, but for those that the command takes for itself. */
    public List<String> words() {
        return List.copyOf(command);
    }

    /**
     * The machine, and the program behind words that belong to the command.
     *
     * @param own how many words are the command's own
     */
    public GuestSpec specBehind(int own) {
        if (command.size() <= own) {
            throw new CommandException(ExitStatus.TROUBLE, "which PROGRAM?");
        }
        command = command.subList(own, command.size());
        return spec(Map.of());
    }

    /**
     * The machine and program that the options describe.
     *
     * @param further switches by name, see {@link GuestSpec#options()}
     */
    public GuestSpec spec(Map<String, String> further) {
        oneOf("--ptl", pageTableLock, "mm", "split");
        oneOf("--thp", hugePages, "never", "madvise", "always");
        oneOf("--mremap", move, "page", "extent", "pmd");
        oneOf("--aslr", aslr, "machine", "exec");
        oneOf("--overcommit", overcommit, "0", "1", "2");
        oneOf("--gup-cow", gupCow, "2005", "fixed");
        oneOf("--remap-file-pages", remapFilePages, "emulate", "nonlinear");
        if (memBytes < LEAST_MEMORY || memBytes > MOST_MEMORY) {
            throw new CommandException(ExitStatus.TROUBLE, "--mem: from 16M to 1T, not " + memBytes + " bytes");
        }
        if (swapBytes > MOST_SWAP) {
            throw new CommandException(ExitStatus.TROUBLE, "--swap: at most 1T, not " + swapBytes + " bytes");
        }
        PoolSize.check(pools, memBytes - LEAST_MEMORY);
        List<String> argv = RawArguments.last(command);
        List<String> env = guestEnvironment();
        Path root = isolation.root();
        String program = ProgramSearch.find(argv.getFirst(), env, root);
        long rounded = (memBytes + PAGE_TABLE_SPAN - 1) & -PAGE_TABLE_SPAN;
        return new GuestSpec(program, argv, env, root, null, rounded, seed, pageTableLock, move, switches(further));
    }

    /** What the command adds, and what has options of its own here. */
    private Map<String, String> switches(Map<String, String> further) {
        Map<String, String> all = new HashMap<>(further);
        all.put("overcommit", overcommit);
        all.put("gup-cow", gupCow);
        all.put("thp", hugePages);
        all.put("aslr", aslr);
        all.put("remap-file-pages", remapFilePages);
        isolation.addTo(all);
        pools.forEach(pool -> all.put(pool.option(), Long.toString(pool.pages())));
        if (core != null) {
            all.put("core", core.toAbsolutePath().toString());
        }
        if (memoryMax != 0) {
            all.put(GuestSpec.MEMORY_MAX, Long.toString(memoryMax));
        }
        if (swapBytes != 0) {
            all.put(GuestSpec.SWAP, Long.toString(swapBytes));
        }
        return all;
    }

    private List<String> guestEnvironment() {
        List<String> env = new ArrayList<>(RawArguments.environment());
        env.removeIf(variable -> variable.startsWith("FAULTLINE_UNICORN=")
                || variable.startsWith("FAULTLINE_DEBUG=")
                || variable.startsWith("FAULTLINE_LOG="));
        for (String setting : environment) {
            String raw = RawArguments.bytesOf(setting);
            int equals = raw.indexOf('=');
            String name = equals < 0 ? raw : raw.substring(0, equals);
            env.removeIf(variable -> variable.startsWith(name + "="));
            if (equals >= 0) {
                env.add(raw);
            }
        }
        return env;
    }

    private static void oneOf(String option, String value, String... allowed) {
        if (!List.of(allowed).contains(value)) {
            throw new CommandException(
                    ExitStatus.TROUBLE, option + ": " + String.join(", ", allowed) + ", not '" + value + "'");
        }
    }
}
