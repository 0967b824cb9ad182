package faultline.plugins.cli;

import faultline.emulator.cli.CommandProvider;
import java.util.List;

/** Adds this module's commands. */
public final class PluginCommands implements CommandProvider {
    @Override
    public List<Object> commands() {
        return List.of(
                new ProbeCommand(), new TraceCommand(), new InjectCommand(), new ReportCommand(), new WeaveCommand());
    }
}
