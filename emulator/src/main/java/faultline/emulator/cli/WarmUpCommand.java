package faultline.emulator.cli;

import faultline.emulator.task.GuestSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/** Runs small guests so that Java can record what a start needs; the launcher calls it once after each build. */
@Command(name = "warm-up", hidden = true, description = "Runs small guests, to train Java's start-up cache.")
final class WarmUpCommand implements Callable<Integer> {
    private static final int ROUNDS = 20;
    /** Enough for the optimising compiler to have seen the paths of faults and moves. */
    private static final int MOVES = 300;

    @Override
    public Integer call() throws IOException {
        Path program = SmallGuest.write();
        Path mover = SmallGuest.write(MOVES);
        try {
            if (Start.plainRun(new String[] {"run", mover.toString()}) != SmallGuest.STATUS) {
                return ExitStatus.TROUBLE;
            }
            for (int round = 0; round < ROUNDS; round++) {
                // Through the whole command line, as a user's run goes; now and then through the option parser, too.
                String[] args = {"run", program.toString()};
                int status = round % 4 == 0 ? Main.execute(args) : Start.plainRun(args);
                if (status != SmallGuest.STATUS) {
                    return ExitStatus.TROUBLE;
                }
            }
            return 0;
        } finally {
            Files.delete(mover);
            Files.delete(program);
        }
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
