package faultline.emulator.cli;

import faultline.emulator.task.GuestSpec;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code faultline run}: runs a program and ends with its status. */
@Command(
        name = "run",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        description = "Runs an x86-64 Linux program.",
        footer = "Options behind PROGRAM belong to the program.")
final class RunCommand implements Callable<Integer> {
    @Mixin
    private MachineOptions machine;

    @Option(names = "--stats", description = "At the end, prints on standard error what the machine did.")
    private boolean stats;

    @Override
    public Integer call() {
        GuestSpec spec = machine.spec();
        if (!stats) {
            return GuestRunner.run(spec);
        }
        Statistics statistics = new Statistics(System.err);
        return GuestRunner.run(spec, guest -> statistics.start(), statistics::print);
    }
}
