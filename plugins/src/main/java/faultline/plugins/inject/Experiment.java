package faultline.plugins.inject;

import faultline.emulator.cli.GuestRunner;
import faultline.emulator.task.GuestMachine;
import faultline.emulator.task.GuestSpec;
import faultline.plugins.guest.EmulatorGuest;
import faultline.plugins.weave.SiteInfo;
import faultline.plugins.weave.SiteRegistry;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** One run of a program with failures: what campaigns repeat. */
public final class Experiment {
    private Experiment() {}

    /**
     * What came of it.
     *
     * @param status the guest's exit status, 128 + n when signal n killed it
     * @param fired the failures, in order
     * @param hits calls of each point by guest tasks, failing or not
     * @param errors what system calls answered after the first failure: {@code "mmap -ENOMEM"} and how often
     * @param audit what the memory manager's books say is wrong; empty when all is well
     */
    public record Result(
            int status,
            List<FiredFailure> fired,
            Map<String, Long> hits,
            Map<String, Integer> errors,
            List<String> audit) {}

    /** The sites that an experiment needs woven. */
    public static boolean weaves(SiteInfo site) {
        return site.injectable();
    }

    /**
     * Runs the program in a woven world.
     *
     * @param seed of the probabilities
     * @throws faultline.emulator.cli.CommandException when the program cannot be started
     */
    public static Result run(SiteRegistry registry, GuestSpec spec, List<FailSpec> failures, long seed) {
        return run(registry, spec, failures, seed, machine -> {});
    }

    /**
     * As above, with something to be done to the machine before the program's first instruction.
     *
     * @param prepare for instance gives the guest other standard streams
     */
    public static Result run(
            SiteRegistry registry, GuestSpec spec, List<FailSpec> failures, long seed, Consumer<GuestMachine> prepare) {
        var guest = new EmulatorGuest(spec.root());
        var audit = new java.util.ArrayList<String>();
        try (var injector = new Injector(failures, guest, seed)) {
            var outcome = new GuestOutcome(registry, injector);
            injector.attach(registry);
            int status = GuestRunner.run(
                    spec.with(GuestSpec.FAULT_INJECTION, "on"),
                    machine -> {
                        prepare.accept(machine);
                        if (!failures.isEmpty()) {
                            // instruction pointers for the stacks of reports are known when the CPU stops at a fault
                            machine.kernel().pool().setFaultListener((context, result, nanos) -> {});
                        }
                    },
                    machine -> audit.addAll(machine.audit()));
            outcome.close();
            return new Result(status, injector.fired(), injector.hits(), outcome.errors(), List.copyOf(audit));
        }
    }
}
