package faultline.plugins.inject;

import faultline.emulator.task.GuestSpec;
import faultline.plugins.guest.Guests;
import faultline.plugins.weave.SiteRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * A run with failures, for tests in a woven world.
 *
 * @param output the lines that the guest wrote
 */
record InjectedRun(Experiment.Result result, List<String> output) {
    /** @param failures specs, as options give them */
    static InjectedRun of(SiteRegistry registry, GuestSpec guest, String... failures) throws IOException {
        Path output = Files.createTempFile("injected", ".txt");
        try {
            Experiment.Result result = Experiment.run(
                    registry,
                    guest,
                    Arrays.stream(failures).map(FailSpec::parse).toList(),
                    0,
                    machine -> Guests.redirect(machine, output.toString()));
            return new InjectedRun(result, Files.readAllLines(output));
        } finally {
            Files.delete(output);
        }
    }
}
