package faultline.plugins.cli;

import faultline.emulator.cli.CommandException;
import faultline.emulator.cli.ExitStatus;
import faultline.plugins.report.HtmlReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code faultline report}: a page to look at, from a trace. */
@Command(
        name = "report",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        customSynopsis = "faultline report TRACE [-o FILE]",
        description = "Makes one self-contained HTML page from a trace of JSON lines.",
        footer = {
            "",
            "Example: faultline trace -e fault,mm,lock --stacks --format jsonl -o t.jsonl PROGRAM",
            "         faultline report t.jsonl -o report.html"
        })
final class ReportCommand implements Callable<Integer> {
    @Parameters(arity = "1..*", paramLabel = "TRACE", description = "A trace made with --format=jsonl.")
    private List<String> words;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            defaultValue = "report.html",
            description = "The page (default: ${DEFAULT-VALUE}).")
    private Path output;

    @Override
    public Integer call() throws IOException {
        Path trace = Path.of(words.getFirst());
        // options are not looked for behind the first word, which is a program's with other commands
        if (words.size() == 3 && (words.get(1).equals("-o") || words.get(1).equals("--output"))) {
            output = Path.of(words.get(2));
        } else if (words.size() != 1) {
            throw new CommandException(ExitStatus.TROUBLE, "report takes one TRACE and -o FILE, not " + words);
        }
        if (Files.isDirectory(trace)) {
            throw new CommandException(ExitStatus.TROUBLE, trace + ": is a directory");
        }
        if (!HtmlReport.write(trace, output)) {
            System.err.println("faultline: " + trace + ": the last line is cut off, and left out");
        }
        return 0;
    }
}
