package faultline.emulator.cli;

import java.util.List;
import java.util.ServiceLoader;
import picocli.AutoComplete.GenerateCompletion;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/** The command {@code faultline}. */
@Command(
        name = "faultline",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        description = "Runs x86-64 Linux programs on an emulated CPU whose memory manager is written in Java.",
        synopsisSubcommandLabel = "COMMAND",
        footer = {
            "",
            "Exit status: the guest's; 128+n when signal n killed it; 125 for Faultline's own trouble, 126 when PROGRAM"
                    + " cannot be executed, 127 when it is not found."
        },
        subcommands = {
            RunCommand.class,
            TraceCommand.class,
            DoctorCommand.class,
            WarmUpCommand.class,
            GenerateCompletion.class
        })
public final class Main implements Runnable {
    @Spec
    private CommandSpec spec;

    /** Runs a command and returns its exit status. Commands of other modules start themselves anew by it, woven. */
    public static int execute(String... args) {
        try {
            return commandLine().execute(args);
        } catch (Error e) {
            return Trouble.report(e);
        }
    }

    static CommandLine commandLine() {
        CommandLine line = new CommandLine(new Main());
        for (CommandProvider provider : ServiceLoader.load(CommandProvider.class)) {
            for (Object command : provider.commands()) {
                addOrReplace(line, new CommandLine(command));
            }
        }
        // What follows PROGRAM belongs to the guest, whatever it looks like.
        line.setStopAtPositional(true);
        line.setExpandAtFiles(false);
        line.setUsageHelpAutoWidth(false);
        line.setUsageHelpWidth(100);
        line.setParameterExceptionHandler(Main::badUsage);
        line.setExecutionExceptionHandler(Main::trouble);
        return line;
    }

    /** A module's command takes the place of a simpler one of the same name. */
    private static void addOrReplace(CommandLine line, CommandLine command) {
        if (line.getSubcommands().containsKey(command.getCommandName())) {
            line.getCommandSpec().removeSubcommand(command.getCommandName());
        }
        line.addSubcommand(command);
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "what shall it do? Try: faultline run PROGRAM [ARGS...]");
    }

    private static int badUsage(ParameterException e, String[] args) {
        CommandLine line = e.getCommandLine();
        String message = Trouble.oneLine(e.getMessage()) + suggestion(e);
        Trouble.say(message + " (see " + line.getCommandSpec().qualifiedName(" ") + " --help)");
        Trouble.debug(e);
        return ExitStatus.TROUBLE;
    }

    private static String suggestion(ParameterException e) {
        List<String> near = e instanceof UnmatchedArgumentException unmatched ? unmatched.getSuggestions() : List.of();
        return near.isEmpty() ? "" : " (did you mean '" + near.getFirst() + "'?)";
    }

    private static int trouble(Exception e, CommandLine line, ParseResult parsed) {
        return Trouble.report(e);
    }
}
