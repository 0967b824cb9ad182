package faultline.emulator.cli;

import faultline.emulator.task.GuestSpec;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code faultline trace}: runs a program and writes a line for each page fault. */
@Command(
        name = "trace",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        description = "Runs a program and writes a line for each page fault of its code, as perf trace -F all does.",
        footer = "Options behind PROGRAM belong to the program.")
final class TraceCommand implements Callable<Integer> {
    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            description = "Where the lines go (default: standard error).")
    private Path output;

    @Mixin
    private MachineOptions machine;

    @Override
    public Integer call() {
        GuestSpec spec = machine.spec();
        if (output == null) {
            PrintStream lines = buffered(System.err);
            int status = run(spec, lines);
            lines.flush();
            return status;
        }
        try (PrintStream file = new PrintStream(output.toFile(), StandardCharsets.UTF_8)) {
            PrintStream lines = buffered(file);
            int status = run(spec, lines);
            lines.flush();
            if (lines.checkError() || file.checkError()) {
                throw new CommandException(ExitStatus.TROUBLE, output + ": the trace could not be written in full");
            }
            return status;
        } catch (IOException e) {
            throw new CommandException(ExitStatus.TROUBLE, output + ": " + e.getMessage(), e);
        }
    }

    private static PrintStream buffered(PrintStream out) {
        return new PrintStream(new BufferedOutputStream(out, 1 << 16), false, StandardCharsets.UTF_8);
    }

    private static int run(GuestSpec spec, PrintStream lines) {
        return GuestRunner.run(
                spec,
                guest -> guest.kernel().pool().setFaultListener(new FaultLines(lines, guest.kernel())),
                guest -> {});
    }
}
