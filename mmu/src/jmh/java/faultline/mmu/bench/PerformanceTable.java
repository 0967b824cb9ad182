package faultline.mmu.bench;

import faultline.mmu.phys.Page;
import faultline.mmu.table.MoveHook;
import faultline.mmu.table.MoveMode;
import faultline.mmu.table.PageTableMover;
import faultline.mmu.table.PtlMode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.OptionsBuilder;

/**
 * Runs all benchmarks of the memory manager, and what the host's kernel takes for the same where a program of {@code
 * testbins} tells, and prints the table of {@code docs/performance.md}. Arguments are JMH's.
 */
public final class PerformanceTable {
    private static final String KERNEL_PROGRAM = "testbins/target/bin/operations";

    private final Map<String, RunResult> results = new TreeMap<>();
    private final Map<String, Double> kernel;
    private final PrintStream out = System.out;

    private PerformanceTable(Collection<RunResult> all, Map<String, Double> kernel) {
        for (RunResult result : all) {
            results.put(name(result), result);
        }
        this.kernel = kernel;
    }

    public static void main(String[] args) throws Exception {
        Map<String, Double> kernel = kernel();
        Collection<RunResult> all = new Runner(new OptionsBuilder()
                        .parent(new CommandLineOptions(args))
                        .addProfiler(GCProfiler.class)
                        .build())
                .run();
        new PerformanceTable(all, kernel).print();
    }

    /** "PageTableMoverBenchmark.thereAndBack PMD SPLIT": parameters in the order of their names. */
    private static String name(RunResult result) {
        String name = result.getParams().getBenchmark();
        StringBuilder text = new StringBuilder(name.substring(name.lastIndexOf('.', name.lastIndexOf('.') - 1) + 1));
        for (String key : new TreeSet<>(result.getParams().getParamsKeys())) {
            text.append(' ').append(result.getParams().getParam(key));
        }
        return text.toString();
    }

    /** Nanoseconds by operation, as the program prints them; empty when it was not built. */
    private static Map<String, Double> kernel() throws IOException, InterruptedException {
        Map<String, Double> figures = new TreeMap<>();
        Path program = Path.of(KERNEL_PROGRAM);
        if (!Files.exists(program)) {
            program = Path.of("..").resolve(KERNEL_PROGRAM);
        }
        if (!Files.exists(program)) {
            System.err.println("no figures of the host's kernel: sh testbins/build.sh makes " + KERNEL_PROGRAM);
            return figures;
        }
        Process process = new ProcessBuilder(program.toString()).redirectErrorStream(true).start();
        try (BufferedReader lines = process.inputReader(StandardCharsets.US_ASCII)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                String[] words = line.trim().split(" {2,}|(?<=\\d) ");
                figures.put(words[0], Double.valueOf(words[1]));
            }
        }
        process.waitFor();
        return figures;
    }

    private void print() {
        out.println("\n| what | memory manager | host's kernel | aim |\n| --- | --- | --- | --- |");
        fault("few", "1 MiB");
        fault("many", "80 MiB");
        row("walker, hit, one page after the other", ns("PageWalkerBenchmark.sequentialHit"), "", "25 ns");
        row("walker, hit, at random over 1 GiB", ns("PageWalkerBenchmark.randomHit"), "", "25 ns");
        for (PtlMode ptl : PtlMode.values()) {
            for (FaultScalingBenchmark.Place place : FaultScalingBenchmark.Place.values()) {
                scaling(ptl, place);
            }
        }
        for (MoveMode mode : MoveMode.values()) {
            move(mode);
        }
        operation("munmap", "25 ns");
        operation("mprotect", "10 ns");
        operation("fork", "30 ns");
        for (String call : new String[] {"mmap", "munmap", "find"}) {
            row(call + " among 65,530 mappings", ns("ManyVmasBenchmark." + call), kernel(call + " among many"), "5000 ns");
        }
    }

    private void row(String what, String ours, String kernels, String aim) {
        out.printf("| %s | %s | %s | %s |%n", what, ours, kernels, aim);
    }

    private double score(String name) {
        RunResult result = results.get(name);
        return result == null ? Double.NaN : result.getPrimaryResult().getScore();
    }

    private double secondary(String name, String label) {
        RunResult result = results.get(name);
        if (result != null) {
            for (var each : result.getSecondaryResults().entrySet()) {
                if (each.getKey().endsWith(label)) {
                    return each.getValue().getScore();
                }
            }
        }
        return Double.NaN;
    }

    private String ns(String name) {
        return "%.1f ns".formatted(score(name));
    }

    private void fault(String size, String memory) {
        String name = "AnonymousFaultBenchmark." + size + "Pages";
        double fastest = Double.POSITIVE_INFINITY;
        String how = "";
        for (FillBenchmark.Way way : FillBenchmark.Way.values()) {
            double took = score("FillBenchmark." + size + "Pages " + way);
            if (took < fastest) {
                fastest = took;
                how = way.name().toLowerCase();
            }
        }
        row(
                "first write to a page of " + memory + ", of which clearing alone takes %.1f ns (%s)".formatted(fastest, how),
                "%.1f ns, %.2f times the clearing".formatted(score(name), score(name) / fastest),
                kernel("first write"),
                "2 times");
        row("bytes allocated by it", "%.2f".formatted(secondary(name, "gc.alloc.rate.norm")), "", "0");
    }

    private String kernel(String operation) {
        return kernel.containsKey(operation) ? "%.1f ns".formatted(kernel.get(operation)) : "";
    }

    private void scaling(PtlMode ptl, FaultScalingBenchmark.Place place) {
        String name = "FaultScalingBenchmark.fault " + place + " " + ptl + " ";
        double one = score(name + 1);
        double two = score(name + 2);
        double faults = secondary(name + 2, "faults");
        row(
                "two threads' rate of faults by one's, %s, `--ptl=%s`"
                        .formatted(place.name().toLowerCase().replace('_', ' '), ptl.name().toLowerCase()),
                "%.2f times (%.1f ns, %.1f ns); waits per 1000 faults: page table %.2f (%.0f ns each), mmap %.2f"
                        .formatted(
                                one / two,
                                one,
                                two,
                                1000 * secondary(name + 2, "pageTableWaits") / faults,
                                secondary(name + 2, "pageTableWaitNanos")
                                        / Math.max(1, secondary(name + 2, "pageTableWaits")),
                                1000 * secondary(name + 2, "mmapWaits") / faults),
                "",
                ptl == PtlMode.SPLIT && place != FaultScalingBenchmark.Place.SAME_TABLES ? "1.7 times" : "");
    }

    private void move(MoveMode mode) {
        Space space = new Space(PtlMode.MM);
        space.fill();
        PageTableMover mover = new PageTableMover(space.tables, space, mode, MoveHook.NONE);
        mover.move(Space.OLD, Space.NEW, Space.PAGES * Page.SIZE);
        // Counted on the way back, where the tables of extents are there already.
        long before = space.pageTableLock().acquisitions();
        mover.move(Space.NEW, Space.OLD, Space.PAGES * Page.SIZE);
        double acquisitions = space.pageTableLock().acquisitions() - before;
        space.memory.close();
        String name = "PageTableMoverBenchmark.thereAndBack " + mode + " ";
        row(
                "mremap of 1 GiB, a page, `--mremap=" + mode.name().toLowerCase() + "`",
                "%.2f ns (split), %.2f ns (mm); lock taken once for %.1f pages"
                        .formatted(score(name + "SPLIT"), score(name + "MM"), Space.PAGES / acquisitions),
                mode == MoveMode.PMD ? kernel("mremap aligned") : mode == MoveMode.EXTENT ? kernel("mremap") : "",
                mode == MoveMode.PAGE ? "lock for 1 page" : mode == MoveMode.EXTENT ? "7 ns, lock for up to 64" : "1 ns");
    }

    private void operation(String what, String aim) {
        row(what + ", a page of 20,000", ns("OperationsBenchmark." + what), kernel(what), aim);
    }
}
