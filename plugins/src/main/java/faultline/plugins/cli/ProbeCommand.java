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
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;
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
        Glob glob = Glob.of(wanted);
        List<SiteInfo> sites = SiteCatalogue.all().stream()
                .filter(site -> glob.matches(site.name()))
                .toList();
        if (sites.isEmpty()) {
            throw noneMatches(wanted);
        }
        for (SiteInfo site : sites) {
            System.out.println(site.signature() + "  " + site.shortLocation()
                    + (site.injectable() ? "  inject " + site.injectId() : ""));
        }
        return 0;
    }

    private String functions() {
        return machine.words().getFirst();
    }

    private static CommandException noneMatches(String functions) {
        return new CommandException(
                ExitStatus.TROUBLE, "no kernel function with a probe matches '" + functions + "' (see: probe list)");
    }

    @Override
    Predicate<SiteInfo> sites() {
        Glob glob = Glob.of(functions());
        try {
            if (SiteCatalogue.all().stream().noneMatch(site -> glob.matches(site.name()))) {
                throw noneMatches(functions());
            }
        } catch (IOException e) {
            throw new CommandException(ExitStatus.TROUBLE, "cannot look for probes: " + e.getMessage(), e);
        }
        return site -> glob.matches(site.name());
    }

    @Override
    int run(SiteRegistry registry) throws IOException {
        if (output == null) {
            return run(registry, System.err);
        }
        try (var file = new PrintStream(new FileOutputStream(output.toFile()), false, StandardCharsets.UTF_8)) {
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
        var printer = new ProbePrinter(out, new EmulatorGuest(spec.root()), spec.seed() == null);
        Attachment attachment = registry.attach("probe", functions, printer);
        int status = GuestRunner.run(spec);
        attachment.close();
        if (attachment.failure() != null) {
            throw new CommandException(ExitStatus.TROUBLE, "the probe failed: " + attachment.failure());
        }
        return status;
    }
}
