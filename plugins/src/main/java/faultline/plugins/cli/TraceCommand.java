package faultline.plugins.cli;

import faultline.emulator.cli.CommandException;
import faultline.emulator.cli.ExitStatus;
import faultline.emulator.cli.GuestRunner;
import faultline.emulator.cli.MachineOptions;
import faultline.emulator.task.GuestSpec;
import faultline.emulator.task.Kernel;
import faultline.plugins.event.EventRing;
import faultline.plugins.event.Events;
import faultline.plugins.event.StringTable;
import faultline.plugins.filter.FilterSyntaxException;
import faultline.plugins.guest.EmulatorGuest;
import faultline.plugins.live.LiveSink;
import faultline.plugins.output.AggregateSink;
import faultline.plugins.output.Aggregation;
import faultline.plugins.output.EventSink;
import faultline.plugins.output.Format;
import faultline.plugins.output.Names;
import faultline.plugins.output.SummarySink;
import faultline.plugins.output.TeeSink;
import faultline.plugins.spi.PluginHost;
import faultline.plugins.trace.EventSelection;
import faultline.plugins.trace.TraceSession;
import faultline.plugins.trace.Tracer;
import faultline.plugins.weave.SiteInfo;
import faultline.plugins.weave.SiteRegistry;
import faultline.plugins.words.Suggestion;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code faultline trace}: runs a program and writes what its memory did. */
@Command(
        name = "trace",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Runs a program and traces page faults, memory operations, locks, system calls.",
        footer = {
            "",
            "Events: fault, page, mm, tlb, lock, pte, syscall, signal, sched, step, or patterns over the names of"
                    + " Linux' tracepoints, for instance 'kmem:*'. all is all of them but pte and step, which drown the"
                    + " rest, and faultline:tlb_fill, which no seed makes the same again.",
            "Filters: write && !present && address in [heap] && comm == \"worker\" && ns > 2us",
            "Aggregations: count() by(comm, symbol), hist(ns) by(path), count() by(line), count() stack()."
        })
final class TraceCommand extends WovenCommand {
    @Option(
            names = {"-e", "--events"},
            paramLabel = "EVENTS",
            defaultValue = "fault",
            description = "What to trace, with commas between (default: ${DEFAULT-VALUE}).")
    private String events;

    @Option(names = "--filter", paramLabel = "EXPR", description = "Only events that this holds for.")
    private String filter;

    @Option(
            names = "--format",
            paramLabel = "FORMAT",
            description = "text, jsonl, perfetto, folded, pprof or jfr (default: text).")
    private String format;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            description = "Where to write (default: standard error).")
    private Path output;

    @Option(names = "--summary", description = "At the end, a table of what happened how often and what it cost.")
    private boolean summary;

    @Option(names = "--live", description = "While the program runs, shows which mappings fault most, and how fast.")
    private boolean live;

    @Option(names = "--agg", paramLabel = "AGG", description = "Instead of events, what they add up to.")
    private String aggregation;

    @Option(names = "--stacks", description = "Takes the guest's call stacks at faults, by frame pointers.")
    private boolean stacks;

    @Option(names = "--lines", description = "Tells frames of stacks apart by source line, too, where that is known.")
    private boolean lines;

    @Option(
            names = "--buffer",
            paramLabel = "N",
            defaultValue = "131072",
            description = "Events held for the writer, a power of two (default: ${DEFAULT-VALUE}).")
    private int slots;

    @Option(
            names = "--on-full",
            paramLabel = "drop|wait",
            defaultValue = "drop",
            description = "When the writer cannot keep up: drop events and count them, or let the guest wait"
                    + " (default: ${DEFAULT-VALUE}).")
    private String onFull;

    @Option(names = "--plugin", paramLabel = "JAR", description = "Runs the plugins of a jar, too.")
    private List<Path> plugins = new ArrayList<>();

    @Mixin
    private MachineOptions machine;

    @Override
    Predicate<SiteInfo> sites() {
        EventSelection selection = selection(new StringTable());
        return plugins.isEmpty() ? site -> Tracer.weaves(site, selection) : site -> true;
    }

    @Override
    boolean needsOnlyTracedSites() {
        return plugins.isEmpty() && !selection(new StringTable()).wants(Events.STEP);
    }

    private EventSelection selection(StringTable strings) {
        if (slots < 1 || slots > EventRing.MOST_SLOTS || Integer.bitCount(slots) != 1) {
            throw new CommandException(
                    ExitStatus.TROUBLE, "--buffer: a power of two up to " + EventRing.MOST_SLOTS + ", not " + slots);
        }
        if (!onFull.equals("drop") && !onFull.equals("wait")) {
            throw new CommandException(ExitStatus.TROUBLE, "--on-full: drop or wait, not '" + onFull + "'");
        }
        try {
            return new EventSelection(events, filter, strings);
        } catch (FilterSyntaxException e) {
            throw Misuse.of("--filter", e.getMessage());
        } catch (IllegalArgumentException e) {
            throw Misuse.of("-e", e.getMessage());
        }
    }

    private Format format() {
        if (format == null) {
            return summary || live || aggregation != null ? null : Format.TEXT;
        }
        Format chosen = Format.named(format);
        if (chosen == null) {
            throw new CommandException(
                    ExitStatus.TROUBLE,
                    "--format: text, jsonl, perfetto, folded, pprof or jfr, not '" + format + "'"
                            + Suggestion.of(format, Format.names()));
        }
        if (chosen.isBinary() && output == null) {
            throw new CommandException(ExitStatus.TROUBLE, "--format " + format + " needs a file: add -o FILE");
        }
        return chosen;
    }

    /** What to add up, or null. */
    private Aggregation aggregation() {
        try {
            return aggregation == null
                    ? null
                    : Aggregation.parse(
                            aggregation, selection(new StringTable()).types());
        } catch (IllegalArgumentException e) {
            throw Misuse.of("--agg", e.getMessage());
        }
    }

    @Override
    int run(SiteRegistry registry) throws IOException {
        Format chosen = format();
        Aggregation sums = aggregation();
        GuestSpec spec = machine.spec();
        try (OutputStream out = output == null ? standardError() : Files.newOutputStream(output)) {
            return run(registry, spec, chosen, sums, out);
        }
    }

    private static OutputStream standardError() {
        return new FilterOutputStream(System.err) {
            @Override
            public void write(byte[] bytes, int from, int length) throws IOException {
                out.write(bytes, from, length);
            }

            @Override
            public void close() throws IOException {
                flush(); // stays open
            }
        };
    }

    private int run(SiteRegistry registry, GuestSpec spec, Format chosen, Aggregation sums, OutputStream out)
            throws IOException {
        var strings = new StringTable();
        var guest = new EmulatorGuest(spec.root());
        var names = new Names(strings, guest.stacks(), guest.modules(), lines);
        var session = new TraceSession(
                selection(strings),
                sink(chosen, sums, out, names),
                slots,
                onFull.equals("wait") || spec.seed() != null);
        if (spec.seed() != null) {
            session.setClock(() -> 0); // until there is a machine, nothing takes time
        }
        Tracer tracer = null;
        int status;
        PluginHost host = load(registry, session, names);
        try {
            // after the plugins, which may want more events than the trace does
            tracer = new Tracer(session, guest, strings, stacks || needsStacks(chosen, sums));
            tracer.attach(registry);
            // exact addresses and instruction pointers are known when the CPU stops at a fault
            status = GuestRunner.run(
                    spec,
                    machine -> {
                        Kernel kernel = machine.kernel();
                        kernel.pool().setFaultListener((context, result, nanos) -> {});
                        if (kernel.isDeterministic()) {
                            session.setClock(kernel::uptimeNanos);
                        }
                    },
                    machine -> {});
        } finally {
            if (tracer != null) {
                tracer.close();
            }
            session.close();
            host.close();
        }
        report(session, tracer);
        return status;
    }

    private PluginHost load(SiteRegistry registry, TraceSession session, Names names) throws IOException {
        try {
            return PluginHost.load(plugins, registry, session, names);
        } catch (IOException e) {
            session.close();
            throw e;
        }
    }

    private static boolean needsStacks(Format chosen, Aggregation sums) {
        return chosen == Format.FOLDED || chosen == Format.PPROF || sums != null && sums.needsStacks();
    }

    private EventSink sink(Format chosen, Aggregation sums, OutputStream out, Names names) throws IOException {
        var sinks = new ArrayList<EventSink>();
        if (chosen != null) {
            sinks.add(chosen.open(out, output, names));
        }
        if (sums != null) {
            sinks.add(new AggregateSink(sums, chosen == null ? out : standardError(), names));
        }
        if (live) {
            try {
                sinks.add(LiveSink.open(names.strings()));
            } catch (IOException e) {
                throw new CommandException(ExitStatus.TROUBLE, "--live " + e.getMessage(), e);
            }
        }
        if (summary) {
            sinks.add(new SummarySink(chosen == null ? out : standardError(), names));
        }
        return sinks.size() == 1 ? sinks.getFirst() : new TeeSink(sinks);
    }

    private static void report(TraceSession session, Tracer tracer) {
        if (session.dropped() > 0) {
            System.err.println("faultline: " + session.dropped() + " events did not fit into the buffer and are missing"
                    + " (--buffer makes it larger, --on-full=wait loses none)");
        }
        for (Throwable failure : tracer.failures()) {
            System.err.println("faultline: some events are missing, a probe failed: " + failure);
        }
    }
}
