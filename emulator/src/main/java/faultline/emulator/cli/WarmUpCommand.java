package faultline.emulator.cli;

import faultline.emulator.task.GuestSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/**
 * Runs small guests so that Java can record what a start needs; the launcher calls it once after each build. Without
 * words it trains {@code run}.
 */
@Command(name = "warm-up", hidden = true, description = "Runs small guests, to train Java's start-up cache.")
final class WarmUpCommand implements Callable<Integer> {
    private static final int ROUNDS = 20;
    /** Enough for the optimising compiler to have seen the paths of faults and moves. */
    private static final int MOVES = 300;

    @Parameters(arity = "0..*", paramLabel = "WORDS", description = "Another command line, up to the program.")
    private List<String> words = List.of();

    /** Forks, executes, pipes and signals, as shells do it: the first of each would take milliseconds without. */
    private static final String SCRIPT = """
            trap 'caught=$((caught + 1))' USR1
            n=0
            while [ $n -lt 200 ]; do
                /bin/true
                (exit 0) | cat
                echo $(cat /dev/null) > /dev/null
                kill -USR1 $$
                n=$((n + 1))
            done
            [ $caught = 200 ]
            """;

    @Override
    public Integer call() throws IOException {
        Path program = SmallGuest.write();
        Path mover = SmallGuest.write(MOVES);
        try {
            boolean trained =
                    run(mover, 1) && (!words.isEmpty() || Start.plainRun("run", "/bin/sh", "-c", SCRIPT) == 0);
            for (int round = 0; round < ROUNDS && trained; round++) {
                trained = run(program, round);
            }
            return trained ? 0 : ExitStatus.TROUBLE;
        } finally {
            Files.delete(mover);
            Files.delete(program);
        }
    }

    /** Through the whole command line, as a user's run goes; plain ones now and then through the option parser, too. */
    private boolean run(Path program, int round) {
        var args = new ArrayList<>(words.isEmpty() ? List.of("run") : words);
        args.add(program.toString());
        String[] line = args.toArray(String[]::new);
        int status = words.isEmpty() && round % 4 != 0 ? Start.plainRun(line) : Main.execute(line);
        return status == SmallGuest.STATUS;
    }

    /** One run; returns the guest's status. */
    static int once() throws IOException {
        Path program = SmallGuest.write();
        try {
            return GuestRunner.run(GuestSpec.of(List.of(program.toString()), List.of()));
        } finally {
            Files.delete(program);
        }
    }
}
