package faultline.plugins.cli;

import faultline.emulator.cli.CommandException;
import faultline.emulator.cli.ExitStatus;
import faultline.emulator.cli.GuestRunner;
import faultline.emulator.cli.MachineOptions;
import faultline.plugins.guest.EmulatorGuest;
import faultline.plugins.weave.Attachment;
import faultline.plugins.weave.Glob;
import faultline.plugins.weave.SiteInfo;
import faultline.plugins.weave.SiteRegistry;
import faultline.plugins.words.Caret;
import faultline.plugins.words.Suggestion;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code faultline probe}: which kernel functions can be listened to, and listening to some. */
@Command(
        name = "probe",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Prints the calls of kernel functions with arguments and results.",
        customSynopsis = {"faultline probe list [GLOB]", "faultline probe [OPTIONS] GLOB PROGRAM [ARGS...]"},
        footer = {"", "GLOB: kernel functions, for instance 'pte_*' or do_anonymous_page,alloc_page."})
final class ProbeCommand extends WovenCommand {
    private static final String LIST = "list";

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            description = "Where to print (default: standard error).")
    private Path output;

    @Option(
            names = "--summary",
            description = "Instead of calls, a table at the end of how often functions are called and what that takes.")
    private boolean summary;

    @Mixin
    private MachineOptions machine;

    @Override
    boolean isReadyWithoutProbes() {
        return functions().equals(LIST);
    }

    /** {@code faultline probe list [GLOB]}. */
    @Override
    int runPlain() throws IOException {
        String wanted = machine.words().size() > 1 ? machine.words().get(1) : "*";
        List<SiteInfo> sites = SiteCatalogue.all();
        check(wanted, sites);
        Glob glob = Glob.of(wanted);
        for (SiteInfo site : sites) {
            if (glob.matches(site.name())) {
                System.out.println(site.signature() + "  " + site.shortLocation()
                        + (site.injectable() ? "  inject " + site.injectId() : ""));
            }
        }
        return 0;
    }

    private String functions() {
        return machine.words().getFirst();
    }

    /** Refuses a list of patterns of which one matches nothing. */
    private static void check(String patterns, List<SiteInfo> sites) {
        Set<String> names = sites.stream().map(SiteInfo::name).collect(Collectors.toSet());
        int column = 1;
        for (String pattern : patterns.split(",", -1)) {
            Glob glob = Glob.of(pattern);
            if (names.stream().noneMatch(glob::matches)) {
                throw Misuse.of(
                        "probe",
                        Caret.at(
                                "no kernel function with a probe matches '" + pattern + "'"
                                        + Suggestion.of(pattern, names) + " (see: faultline probe list)",
                                patterns,
                                column));
            }
            column += pattern.length() + 1;
        }
    }

    @Override
    Predicate<SiteInfo> sites() {
        try {
            check(functions(), SiteCatalogue.all());
        } catch (IOException e) {
            throw new CommandException(ExitStatus.TROUBLE, "cannot look for probes: " + e.getMessage(), e);
        }
        Glob glob = Glob.of(functions());
        return site -> glob.matches(site.name());
    }

    @Override
    int run(SiteRegistry registry) throws IOException {
        if (output == null) {
            return run(registry, System.err);
        }
        try (var file = new PrintStream(Files.newOutputStream(output), false, StandardCharsets.UTF_8)) {
            int status = run(registry, file);
            if (file.checkError()) {
                throw new CommandException(ExitStatus.TROUBLE, output + ": cannot be written to");
            }
            return status;
        }
    }

    private int run(SiteRegistry registry, PrintStream out) {
        String functions = functions();
        var spec = machine.specBehind(1);
        boolean timed = spec.seed() == null;
        ProbeSummary sums = summary ? new ProbeSummary(timed) : null;
        Attachment attachment = registry.attach(
                "probe", functions, summary ? sums : new ProbePrinter(out, new EmulatorGuest(spec.root()), timed));
        int status = GuestRunner.run(spec);
        attachment.close();
        if (summary) {
            out.print(sums.text());
        }
        if (attachment.failure() != null) {
            throw new CommandException(ExitStatus.TROUBLE, "the probe failed: " + attachment.failure());
        }
        return status;
    }
}
