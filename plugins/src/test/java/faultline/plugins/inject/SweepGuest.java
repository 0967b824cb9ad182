package faultline.plugins.inject;

import faultline.emulator.task.GuestSpec;
import faultline.plugins.guest.Guests;
import java.util.List;
import java.util.Map;

/**
 * What a program of testbins is given in a sweep, which runs it thousands of times: a machine on which it does what it
 * is there for (swap, huge pages), and as little as possible of what it can repeat.
 */
record SweepGuest(long memBytes, Map<String, String> options, List<String> arguments) {
    private static final long MIB = 1 << 20;
    private static final SweepGuest USUAL = new SweepGuest(64 * MIB, Map.of(), List.of());
    private static final Map<String, SweepGuest> OTHERS = Map.of(
            "working_set",
                    new SweepGuest(12 * MIB, Map.of(GuestSpec.SWAP, Long.toString(64 * MIB)), List.of("14", "check")),
            "oom", new SweepGuest(12 * MIB, Map.of(), List.of("14", "0", "9 0")),
            "hugetlb_pool", new SweepGuest(64 * MIB, Map.of("hugepages", "8"), List.of("8")),
            "hugetlb_rules", new SweepGuest(64 * MIB, Map.of("hugepages", "8"), List.of()),
            "remap_file_pages", new SweepGuest(64 * MIB, Map.of("remap-file-pages", "nonlinear"), List.of()),
            "mm_fuzz", new SweepGuest(64 * MIB, Map.of(), List.of("1", "60")),
            "storm", new SweepGuest(64 * MIB, Map.of(), List.of("1")),
            "soak", new SweepGuest(64 * MIB, Map.of(), List.of("0.02")),
            "many_faults", new SweepGuest(64 * MIB, Map.of(), List.of("200")));

    /** The guest for a program: seeded, so that each run is the same. */
    static GuestSpec of(String name, String program) {
        SweepGuest guest = OTHERS.getOrDefault(name, USUAL);
        GuestSpec spec = Guests.seeded(program, guest.arguments.toArray(String[]::new));
        return new GuestSpec(
                spec.program(),
                spec.argv(),
                spec.env(),
                spec.root(),
                spec.cwd(),
                guest.memBytes,
                spec.seed(),
                spec.ptl(),
                spec.move(),
                guest.options);
    }
}
