package faultline.plugins.cli;

import faultline.emulator.cli.CommandException;
import faultline.emulator.cli.ExitStatus;

/** What is wrong with an argument, as the end of a command. */
final class Misuse {
    private Misuse() {}

    /**
     * The problem in a line, and the place that {@link faultline.plugins.words.Caret} marks below it.
     *
     * @param of the option, or what else it is about
     */
    static CommandException of(String of, String problem) {
        int end = problem.indexOf('\n');
        return end < 0
                ? new CommandException(ExitStatus.TROUBLE, of + ": " + problem)
                : new CommandException(
                        ExitStatus.TROUBLE, of + ": " + problem.substring(0, end), problem.substring(end + 1), null);
    }
}
