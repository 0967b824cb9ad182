package faultline.plugins.trace;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.emulator.cli.GuestRunner;
import faultline.plugins.event.StringTable;
import faultline.plugins.guest.EmulatorGuest;
import faultline.plugins.guest.Guests;
import faultline.plugins.output.EventSink;
import faultline.plugins.output.Names;
import faultline.plugins.weave.SiteRegistry;
import java.io.IOException;

/** One traced run in a woven world, for tests. */
final class TracedGuest {
    final StringTable strings = new StringTable();
    final EmulatorGuest guest = new EmulatorGuest(null);
    final Names names = new Names(strings, guest.stacks(), guest.modules());

    TraceSession session(String events, EventSink sink) {
        return new TraceSession(new EventSelection(events, null, strings), sink, 1 << 12, true);
    }

    /** Runs the program, stopping at faults, until the trace is written; returns its status. */
    int run(SiteRegistry registry, TraceSession session, String program, String output) throws IOException {
        int status;
        try (var tracer = new Tracer(session, guest, strings, true)) {
            tracer.attach(registry);
            status = GuestRunner.run(
                    Guests.seeded(program),
                    machine -> {
                        Guests.redirect(machine, output);
                        machine.kernel().pool().setFaultListener((context, result, nanos) -> {});
                    },
                    machine -> {});
            assertThat(tracer.failures()).isEmpty();
        }
        session.close();
        return status;
    }
}
