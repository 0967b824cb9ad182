package faultline.plugins.cli;

import faultline.emulator.cli.CommandException;
import faultline.emulator.cli.ExitStatus;
import faultline.emulator.cli.MachineOptions;
import faultline.emulator.task.GuestSpec;
import faultline.plugins.inject.Experiment;
import faultline.plugins.inject.ExperimentJson;
import faultline.plugins.inject.FailSpec;
import faultline.plugins.inject.FiredFailure;
import faultline.plugins.weave.SiteInfo;
import faultline.plugins.weave.SiteRegistry;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code faultline inject}: runs a program while chosen allocations, copies and system calls fail. */
@Command(
        name = "inject",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Runs a program while parts of the memory manager fail, and reports what it did.",
        customSynopsis = {
            "faultline inject list [PROGRAM [ARGS...]]",
            "faultline inject [OPTIONS] --fail POINT[:KNOB=VALUE[,KNOB=VALUE...]] PROGRAM [ARGS...]"
        },
        footer = {
            "",
            "POINT: an id or pattern that 'inject list' shows, for instance mm/pte_alloc, mm/page/*, sys/mmap.",
            "KNOB: nth, times, probability, interval, space, task, syscall, caller, reject, depth, vma, address,",
            "      min-order, ignore-gfp-wait, task-filter, errno, verbose.",
            "Without --fail, only what the guest asks for itself through /proc/self/fail-nth.",
            "Example: faultline inject --fail mm/pte_alloc:nth=3 --fail sys/read:probability=10,errno=EIO PROGRAM"
        })
final class InjectCommand extends WovenCommand {
    private static final String LIST = "list";
    private static final int SHOWN_FRAMES = 12;

    @Option(
            names = "--fail",
            paramLabel = "SPEC",
            description = "What shall fail, and when; may be given several times.")
    private List<String> failures = new ArrayList<>();

    @Option(
            names = "--fail-seed",
            paramLabel = "N",
            defaultValue = "0",
            description = "Seed of the probabilities (default: ${DEFAULT-VALUE}).")
    private long seed;

    @Option(
            names = "--json",
            paramLabel = "FILE",
            description = "Write what happened to FILE, as JSON, instead of a report on standard error.")
    private Path json;

    @Mixin
    private MachineOptions machine;

    private boolean isList() {
        return failures.isEmpty() && machine.words().getFirst().equals(LIST);
    }

    @Override
    boolean isReadyWithoutProbes() {
        return isList() && machine.words().size() == 1;
    }

    @Override
    Predicate<SiteInfo> sites() {
        if (!isList()) {
            check();
        }
        return Experiment::weaves;
    }

    private List<FailSpec> specs() {
        return failures.stream().map(FailSpec::parse).toList();
    }

    /** Refuses what means nothing before the guest starts. */
    private void check() {
        try {
            FailSpec.Vocabulary known = FailVocabulary.read();
            failures.forEach(text -> FailSpec.parse(text, known));
        } catch (IllegalArgumentException e) {
            throw Misuse.of("--fail", e.getMessage());
        } catch (IOException e) {
            throw new CommandException(ExitStatus.TROUBLE, "cannot look for points: " + e.getMessage(), e);
        }
    }

    /** {@code faultline inject list}. */
    @Override
    int runPlain() throws IOException {
        printPoints(Map.of(), System.out);
        return 0;
    }

    private static void printPoints(Map<String, Long> hits, PrintStream out) throws IOException {
        var points = new TreeMap<String, List<SiteInfo>>();
        for (SiteInfo site : SiteCatalogue.all()) {
            if (site.injectable()) {
                points.computeIfAbsent(site.injectId(), k -> new ArrayList<>()).add(site);
            }
        }
        points.forEach((id, sites) -> sites.stream()
                .sorted(Comparator.comparing(SiteInfo::shortLocation))
                .forEach(site -> out.printf(
                        "%-26s %-8s %s  %s%s%n",
                        id.equals("sys") ? "sys/CALL" : id,
                        kind(site),
                        site.signature(),
                        site.shortLocation(),
                        hits.isEmpty() || id.equals("sys") ? "" : "  hits " + hits.getOrDefault(id, 0L))));
        hits.forEach((id, count) -> {
            if (id.startsWith("sys/")) {
                out.printf("%-26s %-8s hits %d%n", id, "errno", count);
            }
        });
    }

    private static String kind(SiteInfo site) {
        return switch (site.returnType()) {
            case "boolean" -> "false";
            case "int", "long" -> site.injectError() > 0 ? "bytes" : site.injectError() < -1 ? "errno" : "none";
            case "void" -> "skip";
            default -> "null";
        };
    }

    @Override
    int run(SiteRegistry registry) throws IOException {
        if (isList()) {
            Experiment.Result result = Experiment.run(registry, machine.specBehind(1), List.of(), seed);
            printPoints(result.hits(), System.out);
            return 0;
        }
        GuestSpec spec = machine.spec();
        Experiment.Result result = Experiment.run(registry, spec, specs(), seed);
        if (json == null) {
            report(result, System.err);
        } else {
            Files.writeString(json, ExperimentJson.of(spec, failures, seed, result));
        }
        return result.status();
    }

    private static void report(Experiment.Result result, PrintStream err) {
        for (FiredFailure failure : result.fired()) {
            if (!failure.told()) {
                continue;
            }
            err.println("inject: " + failure);
            print(err, "kernel", failure.kernelStack());
            print(err, "guest", failure.guestStack());
        }
        if (result.fired().isEmpty()) {
            err.println("inject: nothing failed");
        }
        result.errors()
                .forEach((call, count) ->
                        err.println("inject: the guest saw " + call + (count == 1 ? "" : " " + count + " times")));
        int status = result.status();
        err.println("inject: the guest "
                + (status > ExitStatus.SIGNAL && status <= ExitStatus.SIGNAL + 64
                        ? "was killed by signal " + (status - ExitStatus.SIGNAL)
                        : "ended with status " + status));
        if (result.audit().isEmpty()) {
            err.println("inject: the memory manager's books are in order");
        }
        result.audit().forEach(line -> err.println("inject: memory audit: " + line));
    }

    private static void print(PrintStream err, String whose, List<String> frames) {
        if (!frames.isEmpty()) {
            err.println("    " + whose + ": "
                    + String.join(" < ", frames.subList(0, Math.min(SHOWN_FRAMES, frames.size()))));
        }
    }
}
